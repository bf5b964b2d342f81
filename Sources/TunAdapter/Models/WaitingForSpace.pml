/*
 * Waiting for room in a ring: PacketRing+Waiting, PacketRing+Allocation, Session.waitForSpace.
 *
 * Several threads sleep until they can allocate packets of different sizes, others give packets back, one allocates without waiting.
 * Claims, checked over every interleaving:
 *   - with room for all in the end, nobody sleeps for ever (no invalid end state): the lost wake-up;
 *   - nobody wakes in vain for ever (no non-progress cycle under weak fairness);
 *   - with SCARCE: where there is never room for some, nobody else sleeps beside room for him (`assert` at the stillstand);
 *   - with END: a session's end wakes every sleeper, whatever else happens.
 *
 * `atomic` stands for `state.withLock` of PacketRing. Room is counted in units, where the ring has bytes: what of them is
 * contiguous is the business of the tests. What the ring must not lose, each as a mutation that must make the check fail:
 *   WITHOUT_RECHECK   finding no room and noting it are two critical sections
 *   WITHOUT_BARRIER   who frees looks for sleepers before his store of `head` is seen by others (a store passed by a later load)
 *   WITHOUT_TOLD      (with SCARCE) whoever misses room clears the event although somebody was told and has not woken yet
 *   WITHOUT_SMALLEST  (with SCARCE) only the last missed span is noted, not the smallest
 *   WITHOUT_END_EVENT (with END) the end sets its flag, and signals nobody
 */
#define CAPACITY 4

byte free = 0;              /* units that can be allocated */
byte wantedSpan = 0;        /* State.wantedSpan */
byte sleepers = 0;          /* State.sleepers */
byte told = 0;              /* State.told */
byte announcements = 0;     /* State.announcements */
byte asleep[CAPACITY + 1];  /* how many sleep for so much */
bool space = 0;             /* PacketRing.space: an eventfd, readable while signalled */
bool ended = 0;             /* Session.ended */
bool endEvent = 0;          /* Session.endEvent: never cleared */

/* PacketRing.fits(_:span:) */
#define fits(span) (free >= (span))

/* PacketRing.miss(_:span:) */
inline miss(span) {
    if
#ifdef WITHOUT_TOLD
    :: wantedSpan == 0 -> space = 0
#else
    :: wantedSpan == 0 && told == 0 -> space = 0
#endif
    :: else
    fi;
    if
#ifndef WITHOUT_SMALLEST
    :: wantedSpan != 0 && wantedSpan <= span
#endif
    :: else -> wantedSpan = span
    fi
}

/* PacketRing.announceRoom(_:) */
inline announceRoom() {
    if
    :: fits(wantedSpan) ->
        wantedSpan = 0;
        announcements++;
        told = told + sleepers;
        sleepers = 0;
        space = 1
    :: else
    fi
}

/* PacketRing.advance(_:to:), from release, or from retire in SessionWriter.flush */
inline give(units) {
#ifdef WITHOUT_BARRIER
    atomic { missed = wantedSpan != 0 }
    atomic {
        free = free + units;
        if
        :: missed -> announceRoom()
        :: else
        fi
    }
#else
    atomic {
        free = free + units;
        if
        :: wantedSpan != 0 -> announceRoom()
        :: else
        fi
    }
#endif
}

/* Session.waitForSpace(_:count:), then Session.allocate(_:), again and again until the packet is allocated. */
proctype Sleeper(byte span; bool limited) {
    byte ticket;
    bool hasTicket, isServed, isOver, missed;
    do
    :: isServed || isOver || ended -> break
    :: else ->
        /* PacketRing.beginWaiting(for:) */
#ifdef WITHOUT_RECHECK
        atomic { hasTicket = !fits(span) }
        atomic {
            if
            :: hasTicket -> miss(span); sleepers++; ticket = announcements
            :: else
            fi
        }
#else
        atomic {
            hasTicket = !fits(span);
            if
            :: hasTicket -> miss(span); sleepers++; ticket = announcements
            :: else
            fi
        }
#endif
        if
        :: hasTicket ->
            /* sendPoller.wait(for:): level-triggered on `space` and `endEvent`; its time may be over at any moment */
            asleep[span]++;
            if
            :: atomic { space || endEvent -> asleep[span]-- }
            :: atomic { limited -> isOver = 1; asleep[span]-- }
            fi;
            /* PacketRing.endWaiting(_:) */
            atomic {
                if
                :: ticket == announcements -> sleepers--
                :: else ->
                    told--;
                    if
                    :: told == 0 && wantedSpan != 0 -> space = 0
                    :: else
                    fi
                fi
            }
        :: else
        fi;
        /* PacketRing.allocate(_:size:lastSize:orFewer:) */
        atomic {
            if
            :: fits(span) -> free = free - span; isServed = 1
            :: else -> miss(span)
            fi
        }
    od;
    /* What was allocated is sent, and its room is free again. */
    if
    :: isServed -> give(span)
    :: else
    fi
}

/* Gives back `count` packets of one unit each. */
proctype Giver(byte count) {
    bool missed;
    do
    :: count == 0 -> break
    :: else -> give(1); count--
    od
}

/* Allocates without waiting, and goes on without room. */
proctype Prober(byte span) {
    bool isServed, missed;
    atomic {
        if
        :: fits(span) -> free = free - span; isServed = 1
        :: else -> miss(span)
        fi
    }
    if
    :: isServed -> give(span)
    :: else
    fi
}

/* Session.finish(_:), at any time or at the stillstand */
proctype Ender() {
#ifdef SCARCE
    byte span;
    timeout;
    for (span : 1 .. CAPACITY) { assert(asleep[span] == 0 || !fits(span)) }
#endif
    ended = 1;
#ifndef WITHOUT_END_EVENT
    endEvent = 1
#endif
}

init {
    atomic {
        run Sleeper(1, 0);
        run Sleeper(3, 0);
#ifdef SCARCE
        run Sleeper(2, 0);
        run Giver(2);
        run Ender()
#else
#ifdef END
        /* Some of the room never comes free, so only the end can wake the second sleeper. */
        run Giver(2);
        run Ender()
#else
        run Sleeper(2, 1);
        run Giver(2);
        run Giver(2);
        run Prober(4)
#endif
#endif
    }
}
