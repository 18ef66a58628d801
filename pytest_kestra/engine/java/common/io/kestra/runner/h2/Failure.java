package io.kestra.runner.h2;

import java.util.concurrent.CountDownLatch;

/** Tells the process that Kestra cannot go on. */
public final class Failure {
    private static final CountDownLatch HAPPENED = new CountDownLatch(1);

    private Failure() {
    }

    static void happened() {
        HAPPENED.countDown();
    }

    /** Returns when there was a failure: never, if all goes well. */
    public static void awaitFailure() throws InterruptedException {
        HAPPENED.await();
    }
}
