/*
 * The end of a session in the hands of a C program: threads allocate and give back while another ends the session, and with the last
 * packet the rings' memory goes. PacketRing.allocate, complete, close, isDrained; Session.finish; tunadapter_end_session,
 * retireIfUnused; HandleTable.pin, unpin, end, retire.
 *
 * Claims: nobody has a packet in memory that is gone; every call after the end is refused; when all is given back the memory is gone
 * (nothing leaks).
 *
 * `atomic` stands for a critical section, or for one atomic operation on the handle's word. Mutations:
 *   WITHOUT_CLOSE         the ring isn't closed: whoever found the session running may allocate after the count
 *   WITHOUT_CLOSED_CHECK  the memory goes when nothing is held, closed or not
 *   WITHOUT_PIN           the memory goes at once, not with the last call that is under way
 *   WITHOUT_LAST          giving back the last packet doesn't look whether the session has ended
 */
#define USERS 2
#define TURNS 2

bool isMarked = 0;                  /* HandleTable: ended */
bool isLive = 1;                    /* HandleTable: live */
byte pins = 0;                      /* HandleTable: pins */
bool hasEnded = 0;                  /* Session.ended */
bool isClosed = 0;                  /* PacketRing.State.isClosed */
byte held = 0;                      /* PacketRing.State.held */
bool isMapped = 1;                  /* the rings' memory */

/* HandleTable.pin(_:_:); `isIn` is false for a freed handle */
inline pin() {
    atomic {
        if
        :: isLive -> pins++; isIn = 1; wasMarked = isMarked
        :: else -> isIn = 0
        fi
    }
}

/* HandleTable.unpin(_:), reclaim(_:) */
inline unpin() {
    atomic {
        pins--;
        if
        :: !isLive && pins == 0 -> isMapped = 0
        :: else
        fi
    }
}

/* retireIfUnused: Session.isDrained, HandleTable.retire */
inline retireIfUnused() {
    atomic {
#if defined(WITHOUT_CLOSED_CHECK) || defined(WITHOUT_CLOSE)
        isDrained = held == 0
#else
        isDrained = isClosed && held == 0
#endif
    };
    if
    :: isDrained ->
#ifdef WITHOUT_PIN
        atomic { isLive = 0; isMapped = 0 }
#else
        isLive = 0
#endif
    :: else
    fi
}

/* tunadapter_allocate_packet, the use of the packet, tunadapter_abandon_packet */
proctype User() {
    byte turn = 0;
    bool isIn, wasMarked, isRunning, hasPacket, isDrained, isAfterEnd;
    do
    :: turn == TURNS -> break
    :: else ->
        turn++;
        hasPacket = 0;
        isAfterEnd = isMarked && isClosed;
        pin();
        if
        :: isIn ->
            /* Session.checkRunning() */
            isRunning = !wasMarked && !hasEnded;
            if
            :: isRunning ->
                /* PacketRing.allocate(_:size:lastSize:orFewer:) */
                atomic {
                    assert(isMapped);
                    if
                    :: !isClosed -> held++; hasPacket = 1; assert(!isAfterEnd)
                    :: else
                    fi
                }
            :: else
            fi;
            unpin()
        :: else
        fi;
        if
        :: hasPacket ->
            /* the packet's bytes are used here, outside of any call */
            assert(isMapped);
            pin();
            assert(isIn);
            atomic { assert(isMapped); held-- };    /* PacketRing.complete(_:count:) */
#ifndef WITHOUT_LAST
            if
            :: isMarked -> retireIfUnused()
            :: else
            fi;
#endif
            unpin()
        :: else
        fi
    od
}

/* tunadapter_end_session */
proctype Ender() {
    bool isIn, wasMarked, isDrained;
    pin();
    assert(isIn);
    isMarked = 1;                       /* HandleTable.end(_:) */
    hasEnded = 1;                       /* Session.finish(_:) */
#ifndef WITHOUT_CLOSE
    isClosed = 1;                       /* PacketRing.close() */
#endif
    retireIfUnused();
    unpin()
}

init {
    byte i;
    atomic {
        for (i : 1 .. USERS) { run User() }
        run Ender()
    }
    (_nr_pr == 1);
    assert(held == 0 && !isMapped)
}
