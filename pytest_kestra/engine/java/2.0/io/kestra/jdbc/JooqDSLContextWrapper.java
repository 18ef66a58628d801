package io.kestra.jdbc;

import io.micronaut.data.connection.jdbc.advice.DelegatingDataSource;
import io.micronaut.transaction.exceptions.UnexpectedRollbackException;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.jooq.Configuration;
import org.jooq.ConnectionProvider;
import org.jooq.DSLContext;
import org.jooq.TransactionalCallable;
import org.jooq.TransactionalRunnable;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.jooq.impl.DefaultConnectionProvider;
import org.jooq.impl.DefaultTransactionProvider;

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
    private final DataSource connections;

    public JooqDSLContextWrapper(DSLContext database, DataSource connections) {
        this.database = database;
        // What Micronaut puts around it gives the connection of the transaction that this thread is in.
        this.connections = DelegatingDataSource.unwrapDataSource(connections);
    }

    public void transaction(TransactionalRunnable work) {
        transactionResult(configuration -> {
            work.run(configuration);
            return null;
        });
    }

    /** Runs work in a transaction of its own, which others see the end of even if this thread is in another one. */
    public void requireNewTransaction(TransactionalRunnable work) {
        retrying(() -> {
            try (Connection connection = connections.getConnection()) {
                ConnectionProvider provider = new DefaultConnectionProvider(connection);
                Configuration own = database.configuration().derive(provider).derive(new DefaultTransactionProvider(provider));
                DSL.using(own).transaction(work);
                return null;
            } catch (SQLException e) {
                throw new DataAccessException("No transaction of its own", e);
            }
        });
    }

    public <T> T transactionResult(TransactionalCallable<T> work) {
        if (inside.get()) {
            return database.transactionResult(work);
        }
        inside.set(true);
        try {
            return retrying(() -> database.transactionResult(work));
        } finally {
            inside.set(false);
        }
    }

    private static <T> T retrying(Supplier<T> transaction) {
        Instant end = Instant.now().plus(LIMIT);
        while (true) {
            try {
                return transaction.get();
            } catch (RuntimeException e) {
                if (!isDeadlock(e) || Instant.now().isAfter(end)) {
                    throw e;
                }
            }
            pause();
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
