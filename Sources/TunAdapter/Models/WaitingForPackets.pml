/*
 * Waiting for packets: Session+Receive, Session+Waiting, SessionReader.
 *
 * Several threads receive from one device whose super-packets have two segments each, into a ring with room for two packets, and
 * sleep when there is nothing; one of them goes away after its first packet; other threads release. Claims, checked over every interleaving:
 *   - every packet is received: nobody sleeps while a packet and room for it are there (`assert` at the stillstand);
 *   - nobody wakes in vain for ever (no non-progress cycle under weak fairness);
 *   - the end wakes every sleeper, and every thread comes to its end (no invalid end state).
 *
 * `isReading` is the mutex around SessionReader; `atomic` is `state.withLock` of PacketRing, or one system call. Mutations:
 *   WITHOUT_WATCH      a sleeper doesn't ask for the event that tells of segments left of a super-packet
 *   WITHOUT_FORGET     room's event is not cleared when the reader goes on: it wakes everybody for ever
 *   WITHOUT_SPACE      a reader that found no room doesn't note that it misses it
 *   WITHOUT_ADD        a reader that goes on doesn't watch the device again
 *   WITHOUT_END_EVENT  the end sets its flag, and signals nobody
 */
#define SUPER_PACKETS 3
#define SEGMENTS 2
#define ROOM 2
#define TOTAL (SUPER_PACKETS * SEGMENTS)

byte queued = 0;                /* super-packets in the kernel's queue */
byte pending = 0;               /* SessionReader.pending: segments not in the ring yet */
bool isBlocked = 0;             /* SessionReader.isBlocked */
bool isWatched = 0;             /* SessionReader.isWatched */
bool pendingEvent = 0;          /* Session.pendingEvent, and SessionReader.isPendingSignalled */
bool isReading = 0;             /* Session.reader, the mutex */
byte free = ROOM;               /* the receive ring's room, in packets */
bool wanted = 0;                /* PacketRing.State.wantedSpan != 0 */
bool space = 0;                 /* PacketRing.space of the receive ring */
bool deviceAdded = 1;           /* whether receivePoller watches the device for packets */
bool ended = 0;
bool endEvent = 0;
byte received = 0;
byte held = 0;                  /* received, not released */

#define lockReader atomic { !isReading -> isReading = 1 }
#define unlockReader isReading = 0

/* Poller.wait(for:): level-triggered */
#define anyEvent ((deviceAdded && queued > 0) || pendingEvent || space || endEvent)

/* Session.signalPending(_:), with the reader's mutex held */
inline signalPending() {
    pendingEvent = (pending > 0 && !isBlocked)
}

/* Session.nextRun(limit: 1, reads:) */
inline nextRun() {
    got = 0;
    lockReader;
    if
    :: isBlocked ->
        /* Session.unblock(_:) */
        isBlocked = 0;
#ifndef WITHOUT_FORGET
        /* PacketRing.forgetMiss() */
        atomic { wanted = 0; space = 0 };
#endif
#ifndef WITHOUT_ADD
        if
        :: !ended -> deviceAdded = 1
        :: else
        fi
#endif
    :: else
    fi;
    /* SessionReader.next(limit:reads:into:), fetch() */
    atomic {
        if
        :: pending == 0 && queued > 0 -> queued--; pending = SEGMENTS
        :: else
        fi
    }
    if
    :: pending > 0 ->
        /* PacketRing.allocate(_:size:lastSize:orFewer:) */
        atomic {
            if
            :: free > 0 -> free--; got = 1
#ifdef WITHOUT_SPACE
            :: else -> space = 0
#else
            :: else -> /* PacketRing.miss(_:span:) */
                if
                :: !wanted -> space = 0
                :: else
                fi;
                wanted = 1
#endif
            fi
        }
        if
        :: got -> pending--
        :: else -> /* Session.block(_:) */ isBlocked = 1; deviceAdded = 0
        fi
    :: else
    fi;
    if
    :: isWatched -> signalPending()
    :: else
    fi;
    unlockReader
}

/* Session.receive(waiting: .forever), in a loop */
proctype Receiver(bool leaves) {
    bool got, available;
    do
    :: ended -> break
    :: else ->
        nextRun();
        if
        :: got ->
progress:   atomic { received++; held++ }
            if
            :: leaves -> break
            :: else
            fi
        :: else ->
            /* Session.waitForPacket(until:), isPacketAvailable first */
            lockReader;
            available = (pending > 0 && !isBlocked);
            unlockReader;
            if
            :: !available -> available = anyEvent
            :: else
            fi;
            if
            :: available || ended
            :: else ->
#ifndef WITHOUT_WATCH
                /* Session.watchPending() */
                lockReader;
                isWatched = 1;
                signalPending();
                unlockReader;
#endif
                anyEvent
            fi
        fi
    od
}

/* PacketRing.release(_:) by whoever has the packets */
proctype Releaser() {
    do
    :: atomic {
        held > 0 ->
        held--;
        free++;
        /* PacketRing.announceRoom(_:) */
        if
        :: wanted -> wanted = 0; space = 1
        :: else
        fi
    }
    :: atomic { held == 0 && ended -> break }
    od
}

proctype Kernel() {
    byte made;
    do
    :: made == SUPER_PACKETS -> break
    :: else -> atomic { queued++; made++ }
    od
}

/* When nothing moves any more, everything must have been received. Then the session is ended: Session.finish(_:). */
proctype Ender() {
    timeout;
    assert(received == TOTAL);
    ended = 1;
#ifndef WITHOUT_END_EVENT
    endEvent = 1;
#endif
    lockReader;
    deviceAdded = 0;
    unlockReader
}

init {
    atomic {
        run Receiver(0);
        run Receiver(0);
        run Receiver(1);
        run Releaser();
        run Kernel();
        run Ender()
    }
}
