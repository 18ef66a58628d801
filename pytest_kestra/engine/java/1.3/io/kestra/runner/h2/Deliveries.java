package io.kestra.runner.h2;

/** Counts the messages of a queue: how many were stored, and how many one of its consumers has dealt with. */
final class Deliveries {
    /** A consumer that has dealt with nothing for so long is given up. */
    private static final long LIMIT_NS = 30_000_000_000L;

    private final String consumer;
    private long stored;
    private long delivered;
    private long lastDelivery;
    private volatile long passed;

    Deliveries(String consumer) {
        this.consumer = consumer;
    }

    synchronized void stored() {
        stored++;
    }

    synchronized void delivered(int count) {
        delivered += count;
        lastDelivery = System.nanoTime();
        notifyAll();
    }

    /** The consumer, who only remembers an offset, looks at what comes behind it: it has dealt with all before. */
    void passed(long offset) {
        passed = offset;
    }

    long passed() {
        return passed;
    }

    /** Waits no longer for what is not there yet. */
    synchronized void forget() {
        delivered = Math.max(delivered, stored);
    }

    /** Returns when all that is stored now is dealt with, however long that takes, as long as it goes on. */
    synchronized void await() {
        long wished = stored;
        lastDelivery = System.nanoTime();
        try {
            while (delivered < wished) {
                long left = LIMIT_NS - (System.nanoTime() - lastDelivery);
                if (left <= 0) {
                    throw new IllegalStateException(consumer + " has stopped: " + (wished - delivered) + " messages wait");
                }
                wait(left / 1_000_000 + 1);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
