/*
 * The send ring: packets are allocated in order, finished or abandoned in any order by several threads, and written in the order of
 * their allocation by whichever thread flushes. PacketRing.allocate, complete, readyPrefix, retire; SessionWriter.flush; Session.flush.
 *
 * Claims: what is written is written once, in the order of allocation, and nothing that was abandoned; nobody changes a slot while it
 * is written; when all threads are done nothing waits in the ring.
 *
 * `atomic` stands for `state.withLock` of PacketRing, `isWriting` is the mutex around SessionWriter. Mutations:
 *   WITHOUT_WRITER_LOCK  two threads write at a time
 *   WITHOUT_WAITING      a thread that finds another writing goes on, instead of waiting for its turn
 *   WITHOUT_PREFIX       everything that is finished is written, not only what stands before the first packet in somebody's hands
 *   WITHOUT_FLUSH        abandoning a packet doesn't flush what it held up
 */
#define SLOTS 3
#define PACKETS 4
#define SENDERS 3

mtype = { vacant, allocated, ready, released };

mtype slotState[SLOTS] = vacant;
byte number[SLOTS];                 /* which allocation the slot is of, from 1 on */
byte head = 0;                      /* State.head */
byte tail = 0;                      /* State.tail */
bool isWriting = 0;                 /* Session.writer, the mutex */
bool isRead[SLOTS] = 0;             /* the slot is being written from */
byte allocations = 0;
byte written = 0;                   /* the newest that was written */
byte writes = 0;
byte abandoned = 0;

/* SessionWriter.flush(_:), called with the writer's mutex held */
inline flushRing() {
    do
    :: true ->
        /* PacketRing.readyPrefix(limit:) */
        atomic {
            begin = head;
            end = head;
#ifdef WITHOUT_PREFIX
            end = tail;
#else
            do
            :: end < tail && slotState[end % SLOTS] != allocated -> isRead[end % SLOTS] = 1; end++
            :: else -> break
            od
#endif
        }
        if
        :: begin == end -> break
        :: else
        fi;
        /* gather and write, a packet a step */
        do
        :: begin < end ->
            atomic {
                if
                :: slotState[begin % SLOTS] == ready ->
                    assert(number[begin % SLOTS] > written);
                    written = number[begin % SLOTS];
                    writes++
                :: else
                fi;
                begin++
            }
        :: else -> break
        od;
        /* PacketRing.retire(upTo:), advance(_:to:) */
        atomic {
            assert(end <= tail && end > head);
            begin = head;
            do
            :: begin < end -> assert(slotState[begin % SLOTS] != vacant); slotState[begin % SLOTS] = vacant; isRead[begin % SLOTS] = 0; begin++
            :: else -> break
            od;
            head = end;
            if
            :: head == tail -> head = 0; tail = 0
            :: else
            fi
        }
    od
}

/* Session.flush() */
inline flush() {
#ifdef WITHOUT_WRITER_LOCK
    flushRing()
#else
#ifdef WITHOUT_WAITING
    atomic {
        if
        :: isWriting -> isMine = 0
        :: else -> isWriting = 1; isMine = 1
        fi
    }
    if
    :: isMine -> flushRing(); isWriting = 0
    :: else
    fi
#else
    atomic { !isWriting -> isWriting = 1 }
    flushRing();
    isWriting = 0
#endif
#endif
}

/* Allocates a packet, and sends or abandons it: Session.send, Session.abandon, OutgoingPacket.deinit. */
proctype Sender() {
    byte sequence, begin, end;
    bool isAllocated, isMine, isSent;
    do
    :: allocations == PACKETS -> break
    :: else ->
        /* PacketRing.allocate(_:size:lastSize:orFewer:) */
        atomic {
            if
            :: allocations < PACKETS && tail - head < SLOTS ->
                sequence = tail;
                assert(slotState[sequence % SLOTS] == vacant && !isRead[sequence % SLOTS]);
                slotState[sequence % SLOTS] = allocated;
                tail++;
                allocations++;
                number[sequence % SLOTS] = allocations;
                isAllocated = 1
            :: else -> isAllocated = 0
            fi
        }
        if
        :: isAllocated ->
            /* PacketRing.complete(_:count:): with bytes, or with none to be skipped */
            atomic {
                assert(sequence >= head && sequence < tail && slotState[sequence % SLOTS] == allocated);
                assert(!isRead[sequence % SLOTS]);
                if
                :: slotState[sequence % SLOTS] = ready; isSent = 1
                :: slotState[sequence % SLOTS] = released; abandoned++; isSent = 0
                fi
            }
#ifdef WITHOUT_FLUSH
            if
            :: isSent -> flush()
            :: else
            fi
#else
            flush()
#endif
        :: else -> (tail - head < SLOTS || allocations == PACKETS)
        fi
    od
}

init {
    byte i;
    atomic {
        for (i : 1 .. SENDERS) { run Sender() }
    }
    (_nr_pr == 1);
    assert(head == 0 && tail == 0);
    assert(writes + abandoned == PACKETS)
}
