package io.kestra.runner.h2;

/** Counts the messages of a queue: how many were stored, and how many its consumer has dealt with. */
final class Deliveries {
    private static final long LIMIT_MS = 5_000;

    private long stored;
    private long delivered;

    synchronized void stored() {
        stored++;
    }

    synchronized void delivered(int count) {
        delivered += count;
        notifyAll();
    }

    /** Returns when all that is stored now is dealt with, or after five seconds. */
    synchronized void await() {
        long wished = stored;
        long deadline = System.nanoTime() + LIMIT_MS * 1_000_000;
        try {
            for (long left = LIMIT_MS; delivered < wished && left > 0; left = (deadline - System.nanoTime()) / 1_000_000) {
                wait(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
