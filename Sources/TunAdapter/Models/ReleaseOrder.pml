/*
 * The receive ring: packets are allocated in order and released in any order, by several threads.
 * PacketRing.allocate, release, advanceOverReleased, advance.
 *
 * Claims: a slot is never allocated while somebody has it; a second release of a packet is refused; in the end the ring is empty and
 * every packet was held by exactly one thread.
 *
 * `atomic` stands for `state.withLock`. Mutations:
 *   WITHOUT_MUTEX       moving `head` over what is released is not one critical section
 *   WITHOUT_HELD_CHECK  releasing doesn't ask whether the packet is held
 *   WITHOUT_ORDER       a release frees one slot at the head, whichever it released
 */
#define SLOTS 3
#define PACKETS 5
#define HOLDERS 3

mtype = { vacant, allocated, released };    /* what PacketRing.SlotState says; `vacant` is below head or from tail on */

mtype slotState[SLOTS] = vacant;
byte head = 0;                      /* State.head */
byte tail = 0;                      /* State.tail */
bool isUsed[SLOTS] = 0;             /* somebody reads or writes the packet's bytes */
byte allocations = 0;
byte releases = 0;

/* PacketRing.isHeld(_:_:) */
#ifdef WITHOUT_HELD_CHECK
#define isHeld(sequence) (true)
#else
#define isHeld(sequence) (sequence >= head && sequence < tail && slotState[sequence % SLOTS] == allocated)
#endif

/* PacketRing.advance(_:to:) */
inline advance(sequence) {
    head = sequence;
    if
    :: head == tail -> head = 0; tail = 0
    :: else
    fi
}

/* PacketRing.advanceOverReleased(_:) */
inline advanceOverReleased() {
    next = head;
#ifdef WITHOUT_ORDER
    slotState[next % SLOTS] = vacant;
    next++;
#else
    do
    :: next != tail && slotState[next % SLOTS] == released -> slotState[next % SLOTS] = vacant; next++
    :: else -> break
    od;
#endif
    if
    :: next != head -> advance(next)
    :: else
    fi
}

/* A thread that receives a packet, uses it, and releases it, while others do the same. */
proctype Holder() {
    byte sequence, next;
    bool isAllocated, wasHeld;
    do
    :: allocations == PACKETS -> break
    :: else ->
        /* PacketRing.allocate(_:size:lastSize:orFewer:), freeSlots(_:) */
        atomic {
            if
            :: allocations < PACKETS && tail - head < SLOTS ->
                sequence = tail;
                assert(!isUsed[sequence % SLOTS]);
                slotState[sequence % SLOTS] = allocated;
                isUsed[sequence % SLOTS] = 1;
                tail++;
                allocations++;
                isAllocated = 1
            :: else -> isAllocated = 0
            fi
        }
        if
        :: isAllocated ->
            /* the packet's bytes are used here */
            isUsed[sequence % SLOTS] = 0;
            /* PacketRing.release(_:) */
#ifdef WITHOUT_MUTEX
            wasHeld = isHeld(sequence);
            slotState[sequence % SLOTS] = released;
            advanceOverReleased();
            releases++;
#else
            atomic {
                wasHeld = isHeld(sequence);
                if
                :: wasHeld -> slotState[sequence % SLOTS] = released; advanceOverReleased(); releases++
                :: else
                fi;
                assert(wasHeld);
                /* At once again, before somebody else can have the slot: refused. */
                wasHeld = isHeld(sequence);
                assert(!wasHeld)
            }
#endif
        :: else -> (tail - head < SLOTS || allocations == PACKETS)
        fi
    od
}

init {
    byte i;
    atomic {
        for (i : 1 .. HOLDERS) { run Holder() }
    }
    (_nr_pr == 1);
    assert(head == 0 && tail == 0);
    assert(releases == PACKETS)
}
