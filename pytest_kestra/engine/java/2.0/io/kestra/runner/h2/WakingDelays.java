package io.kestra.runner.h2;

import io.kestra.core.runners.ExecutionDelay;
import io.kestra.repository.h2.H2Repository;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets retries, pauses and what is scheduled go on when their time has come.
 *
 * Kestra's executor looks for them once a second; here it looks then, too, in the same thread.
 */
public final class WakingDelays extends H2ExecutionDelayStateStore {
    private static final Logger LOG = LoggerFactory.getLogger(WakingDelays.class);
    /** Another transaction may hold what is looked for. */
    private static final long AGAIN_MS = 5;
    /** After a second Kestra itself has looked. */
    private static final int MOST = 200;

    private final TransactionEnd transactionEnd;
    private final Set<String> waiting = ConcurrentHashMap.newKeySet();
    private volatile Object executor;
    private volatile Method look;
    private volatile ScheduledExecutorService clock;

    WakingDelays(H2Repository<ExecutionDelay> repository, TransactionEnd transactionEnd) {
        super(repository);
        this.transactionEnd = transactionEnd;
    }

    /** Lets it wake an executor. */
    void wakes(Object executor) throws ReflectiveOperationException {
        Field threads = executor.getClass().getDeclaredField("scheduledExecutorService");
        threads.setAccessible(true);
        clock = (ScheduledExecutorService) threads.get(executor);
        look = executor.getClass().getDeclaredMethod("executionDelayLoop");
        look.setAccessible(true);
        this.executor = executor;
    }

    @Override
    public void save(ExecutionDelay delay) {
        super.save(delay);
        transactionEnd.afterCommit(() -> {
            waiting.add(delay.uid());
            lookIn(Math.max(0, Duration.between(Instant.now(), delay.getDate()).toMillis() + 1), delay.uid(), MOST);
        });
    }

    @Override
    public void processExpired(Instant now, Consumer<ExecutionDelay> consumer) {
        super.processExpired(now, delay -> {
            consumer.accept(delay);
            waiting.remove(delay.uid());
        });
    }

    private void lookIn(long milliseconds, String uid, int times) {
        if (executor == null) {
            return;
        }
        try {
            clock.schedule(() -> look(uid, times), milliseconds, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("The executor has ended", e);
        }
    }

    private void look(String uid, int times) {
        if (!waiting.contains(uid)) {
            return;
        }
        try {
            look.invoke(executor);
        } catch (ReflectiveOperationException e) {
            LOG.warn("Kestra's executor could not look for what was delayed; it looks again in a second", e);
            return;
        }
        if (times > 1 && waiting.contains(uid)) {
            lookIn(AGAIN_MS, uid, times - 1);
        }
    }
}
