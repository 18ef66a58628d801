package io.kestra.runner.h2;

import io.kestra.core.runners.ExecutionDelay;
import io.kestra.jdbc.AbstractJdbcRepository;
import io.kestra.jdbc.runner.AbstractJdbcExecutionDelayStorage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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

/**
 * Lets retries, pauses and what is scheduled go on when their time has come.
 *
 * Kestra's executor looks for them once a second; here it looks then, too, in the same thread.
 */
public final class WakingDelays extends AbstractJdbcExecutionDelayStorage {
    private static final Logger LOG = LoggerFactory.getLogger(WakingDelays.class);
    /** What was saved is seen when the executor's transaction has ended, a moment later. */
    private static final long AGAIN_MS = 5;
    /** After a second Kestra itself has looked. */
    private static final int MOST = 200;

    private final Object executor;
    private final Method look;
    private final ScheduledExecutorService clock;
    private final Set<String> waiting = ConcurrentHashMap.newKeySet();

    private WakingDelays(AbstractJdbcRepository<ExecutionDelay> repository, Object executor, Method look, ScheduledExecutorService clock) {
        super(repository);
        this.executor = executor;
        this.look = look;
        this.clock = clock;
    }

    /** Gives an executor a storage of delays that wakes it. */
    @SuppressWarnings("unchecked")
    public static void install(Object executor) throws ReflectiveOperationException {
        Field storage = field(executor, "executionDelayStorage");
        Object delays = storage.get(executor);
        Method look = storage.getDeclaringClass().getDeclaredMethod("executionDelaySend");
        look.setAccessible(true);
        storage.set(
            executor,
            new WakingDelays(
                (AbstractJdbcRepository<ExecutionDelay>) field(delays, "jdbcRepository").get(delays),
                executor,
                look,
                (ScheduledExecutorService) field(executor, "scheduledDelay").get(executor)
            )
        );
    }

    @Override
    public void save(ExecutionDelay delay) {
        super.save(delay);
        waiting.add(delay.uid());
        lookIn(Math.max(0, Duration.between(Instant.now(), delay.getDate()).toMillis() + 1), delay.uid(), MOST);
    }

    @Override
    public void get(Consumer<ExecutionDelay> consumer) {
        super.get(delay -> {
            consumer.accept(delay);
            waiting.remove(delay.uid());
        });
    }

    private void lookIn(long milliseconds, String uid, int times) {
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

    private static Field field(Object owner, String name) throws NoSuchFieldException {
        for (Class<?> type = owner.getClass(); type != null; type = type.getSuperclass()) {
            try {
                Field found = type.getDeclaredField(name);
                found.setAccessible(true);
                return found;
            } catch (NoSuchFieldException e) {
                continue;
            }
        }
        throw new NoSuchFieldException(owner.getClass() + " has no " + name);
    }
}
