// A terminal that is taken over for whole screens, and given back however the process ends, but for SIGKILL.
#ifndef CLINUX_TERMINAL_SHIMS_H
#define CLINUX_TERMINAL_SHIMS_H

// Keys come one by one and unechoed from `input`, and what is written to `output` goes to the alternate screen. Signals that a fault
// raises give the terminal back before they end the process. Once a process at a time: 0, or -1 with errno.
int clinux_terminal_enter(int input, int output);

// Gives it back. Nothing happens where it wasn't taken.
void clinux_terminal_leave(void);

// TIOCGWINSZ: 0, or -1 with errno.
int clinux_terminal_size(int terminal, unsigned short *columns, unsigned short *rows);

#endif
