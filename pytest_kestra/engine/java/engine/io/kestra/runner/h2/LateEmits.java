package io.kestra.runner.h2;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Emits what need not be waited for, such as logs, in the order it came, and tells when all of it is stored.
 *
 * Kestra has a pool of threads for this, so nobody can say when the logs of an execution are complete.
 */
public final class LateEmits {
    interface Emit {
        void run() throws Exception;
    }

    private static final Logger LOG = LoggerFactory.getLogger(LateEmits.class);
    private static final ExecutorService EXECUTOR = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "late-emits");
        thread.setDaemon(true);
        return thread;
    });

    private LateEmits() {
    }

    static void submit(Emit emit) {
        EXECUTOR.execute(() -> {
            try {
                emit.run();
            } catch (Exception e) {
                LOG.error("A message was not stored", e);
            }
        });
    }

    /** Returns when everything that was submitted before is stored. */
    public static void settle() {
        CompletableFuture.runAsync(() -> { }, EXECUTOR).join();
    }
}
