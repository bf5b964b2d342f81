#define _GNU_SOURCE
#include "TerminalShims.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT, SIGSYS};
enum { FAULTS = sizeof faults / sizeof *faults };

static struct termios kept;
static struct sigaction handlers[FAULTS];
static volatile sig_atomic_t is_taken;
static int terminal_input, terminal_output;

// The alternate screen without a cursor and without wrapping, and the way back.
static const char entering[] = "\033[?1049h\033[?25l\033[?7l\033[2J";
static const char leaving[] = "\033[0m\033[?7h\033[?25h\033[?1049l";

static void put(const char *text, size_t size) {
    // A terminal that takes nothing any more has nothing to be put right.
    if (write(terminal_output, text, size) < 0) return;
}

void clinux_terminal_leave(void) {
    if (!is_taken) return;
    is_taken = 0;
    int number = errno;
    put(leaving, sizeof leaving - 1);
    tcsetattr(terminal_input, TCSANOW, &kept);
    errno = number;
}

static void leave_for_fault(int signal) {
    clinux_terminal_leave();
    for (int i = 0; i < FAULTS; i++) {
        if (faults[i] == signal) sigaction(signal, &handlers[i], NULL);
    }
    raise(signal);
}

int clinux_terminal_enter(int input, int output) {
    if (tcgetattr(input, &kept)) return -1;
    struct termios raw = kept;
    raw.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | INPCK | ISTRIP | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | IEXTEN | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(input, TCSANOW, &raw)) return -1;
    terminal_input = input;
    terminal_output = output;
    is_taken = 1;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = leave_for_fault;
    for (int i = 0; i < FAULTS; i++) {
        struct sigaction present;
        // A second taking, after a stop, finds our own there.
        if (sigaction(faults[i], NULL, &present) == 0 && present.sa_handler != leave_for_fault) handlers[i] = present;
        sigaction(faults[i], &action, NULL);
    }
    put(entering, sizeof entering - 1);
    return 0;
}

int clinux_terminal_size(int terminal, unsigned short *columns, unsigned short *rows) {
    struct winsize size;
    if (ioctl(terminal, TIOCGWINSZ, &size)) return -1;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return 0;
}
