package io.kestra.jdbc;

import io.micronaut.transaction.exceptions.UnexpectedRollbackException;

import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ThreadLocalRandom;
import org.jooq.DSLContext;
import org.jooq.TransactionalCallable;
import org.jooq.TransactionalRunnable;

/**
 * Runs Kestra's transactions, and runs one again that the database has ended because it and another waited for each other.
 *
 * It has the name of Kestra's own class and comes first on the class path. Kestra's tries an inner transaction again whose
 * outer one is lost already: the end of a queued execution, while another frees the slot it waits for, then ends the
 * server. Here the outermost transaction is tried again, as a whole.
 */
public class JooqDSLContextWrapper {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String DEADLOCK = "40001";

    private final ThreadLocal<Boolean> inside = ThreadLocal.withInitial(() -> false);
    private final DSLContext database;

    public JooqDSLContextWrapper(DSLContext database) {
        this.database = database;
    }

    public void transaction(TransactionalRunnable work) {
        transactionResult(configuration -> {
            work.run(configuration);
            return null;
        });
    }

    public <T> T transactionResult(TransactionalCallable<T> work) {
        if (inside.get()) {
            return database.transactionResult(work);
        }
        Instant end = Instant.now().plus(LIMIT);
        inside.set(true);
        try {
            while (true) {
                try {
                    return database.transactionResult(work);
                } catch (RuntimeException e) {
                    if (!isDeadlock(e) || Instant.now().isAfter(end)) {
                        throw e;
                    }
                }
                pause();
            }
        } finally {
            inside.set(false);
        }
    }

    private static boolean isDeadlock(Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnexpectedRollbackException
                || cause instanceof SQLException sql && DEADLOCK.equals(sql.getSQLState())) {
                return true;
            }
        }
        return false;
    }

    private static void pause() {
        try {
            Thread.sleep(ThreadLocalRandom.current().nextLong(1, 50));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
