package io.kestra.runner.h2;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/** What is known of a queue's messages: how many there were, how many are dealt with, and how far who follows has read. */
final class Channel {
    /** A reader that is neither busy nor has looked for so long has ended. */
    private static final long GONE_NS = 10_000_000_000L;
    /** A reader that is busy with the same messages for so long is not waited for. */
    private static final long LIMIT_NS = 30_000_000_000L;

    /** How far one thread has read. */
    private static final class Reader {
        private long offset;
        private boolean busy;
        private long looked;
    }

    private final String name;
    private final Map<Thread, Reader> readers = new ConcurrentHashMap<>();
    private long stored;
    private long delivered;
    private long read;
    private long lastChange = System.nanoTime();

    Channel(String name) {
        this.name = name;
    }

    synchronized void stored(int count) {
        stored += count;
        notifyAll();
    }

    synchronized void delivered(int count) {
        delivered += count;
        lastChange = System.nanoTime();
        notifyAll();
    }

    /** Returns how many messages were stored, at once if there are more than were seen, else after a rest. */
    synchronized long rest(long seen, long milliseconds) throws InterruptedException {
        if (stored == seen) {
            wait(milliseconds);
        }
        return stored;
    }

    /** Notes that a thread is about to read what comes behind an offset. */
    synchronized void reads(long offset) {
        Reader reader = readers.computeIfAbsent(Thread.currentThread(), thread -> new Reader());
        reader.offset = offset;
        reader.busy = true;
        reader.looked = System.nanoTime();
    }

    /** Notes that a thread has dealt with everything up to an offset. */
    synchronized void hasRead(long offset) {
        Reader reader = readers.get(Thread.currentThread());
        reader.offset = offset;
        reader.busy = false;
        reader.looked = lastChange = System.nanoTime();
        notifyAll();
    }

    /** Returns when all that is stored now is dealt with, however long that takes, as long as it goes on. */
    synchronized void awaitDelivery() {
        long wished = stored;
        await(() -> delivered >= wished);
    }

    /** Returns when everybody who follows has read what is stored now; its last offset is asked for if it is new. */
    void awaitReaders(LongSupplier last) {
        long known;
        synchronized (this) {
            known = stored;
            if (read >= known) {
                return;
            }
        }
        long offset = last.getAsLong();
        synchronized (this) {
            await(() -> {
                readers.values().removeIf(reader -> !reader.busy && System.nanoTime() - reader.looked > GONE_NS);
                return readers.values().stream().allMatch(reader -> reader.offset >= offset);
            });
            read = Math.max(read, known);
        }
    }

    private interface Done {
        boolean is();
    }

    private void await(Done done) {
        lastChange = System.nanoTime();
        try {
            while (!done.is()) {
                long left = LIMIT_NS - (System.nanoTime() - lastChange);
                if (left <= 0) {
                    throw new IllegalStateException("Kestra's readers of " + name + " have stopped");
                }
                wait(Math.min(left / 1_000_000 + 1, 1000));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
