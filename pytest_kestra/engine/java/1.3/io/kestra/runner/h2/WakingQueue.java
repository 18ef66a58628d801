package io.kestra.runner.h2;

import io.kestra.core.exceptions.DeserializationException;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.ExecutionKilled;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.flows.FlowInterface;
import io.kestra.core.models.topologies.FlowTopology;
import io.kestra.core.queues.QueueException;
import io.kestra.core.runners.Executor;
import io.kestra.core.runners.Indexer;
import io.kestra.core.utils.Either;
import io.kestra.jdbc.repository.AbstractJdbcRepository;
import io.micronaut.context.ApplicationContext;
import io.micronaut.transaction.TransactionOperations;
import io.micronaut.transaction.exceptions.CannotCreateTransactionException;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.Result;
import org.jooq.impl.DSL;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kestra's H2 queue, whose consumers are woken by what is emitted and otherwise rest.
 *
 * What is stored, locked and delivered is Kestra's; two things are replaced. First the pause between two polls: Kestra
 * sleeps a fixed time, of which a short one costs a core while nothing runs and a long one costs latency. The database
 * lives in this process, so every message is emitted here and the pause can end at once. Second, a message is deleted
 * when all its consumers have it: Kestra marks it and deletes it days later, and until then every poll reads past it.
 */
public class WakingQueue<T> extends H2Queue<T> {
    private static final Logger LOG = LoggerFactory.getLogger(WakingQueue.class);

    /** Nothing should be missed by who is woken; whatever else writes into the table is found at the next look. */
    private static final long FIRST_PAUSE_MS = 20;
    private static final long LONGEST_PAUSE_MS = 1280;
    private static final long STOP_LIMIT_MS = 30_000;

    private final Set<Consumer> consumers = ConcurrentHashMap.newKeySet();
    /** The names of the consumers that mark what they have received; others only remember an offset. */
    private final Set<String> readers = ConcurrentHashMap.newKeySet();
    private final Set<Deliveries> followers = ConcurrentHashMap.newKeySet();
    /** The follower that a thread polls for. */
    private final ThreadLocal<Deliveries> following = new InheritableThreadLocal<>();
    private final Deliveries deliveries = new Deliveries("Kestra's indexer");
    private final TransactionEnd transactionEnd;
    /** What the executor asks of the workers while it ends executions, until it has told that they are being ended. */
    private final ThreadLocal<List<T>> held = new ThreadLocal<>();
    private volatile boolean paused;

    public WakingQueue(Class<T> messages, ApplicationContext context) {
        super(messages, context);
        this.transactionEnd = new TransactionEnd(context.getBean(TransactionOperations.class));
    }

    @Override
    public Runnable receiveImpl(
        String consumerGroup,
        Class<?> queueType,
        BiConsumer<DSLContext, List<Either<T, DeserializationException>>> consumer,
        Boolean inTransaction,
        boolean forUpdate) {
        readers.add(queueName(queueType));
        if (queueType == Indexer.class) {
            LateEmits.watch(deliveries);
        } else if (queueType == FlowTopology.class) {
            KnownFlows.watchTopologies(deliveries);
        }
        return super.receiveImpl(consumerGroup, queueType, (database, messages) -> {
            if (cls == ExecutionKilled.class && queueType == Executor.class) {
                holding(() -> consumer.accept(database, messages));
            } else if (queueType == FlowTopology.class) {
                // What depends on a flow is looked for among those that are known.
                KnownFlows.settle();
                consumer.accept(database, messages);
            } else {
                consumer.accept(database, messages);
            }
            deliveries.delivered(messages.size());
            if (cls == Execution.class && queueType == Executor.class) {
                messages.stream().filter(Either::isLeft).forEach(either -> {
                    Watches.happened(either.getLeft());
                    ExecutionEnds.processed((Execution) either.getLeft());
                });
            } else if (cls == LogEntry.class && queueType == Indexer.class) {
                messages.stream().filter(Either::isLeft).forEach(either -> Watches.happened(either.getLeft()));
            }
        }, inTransaction, forUpdate);
    }

    @Override
    public Runnable receive(
        String consumerGroup, java.util.function.Consumer<Either<T, DeserializationException>> consumer, boolean forUpdate) {
        Deliveries followed = new Deliveries("A listener of Kestra's");
        followers.add(followed);
        if (FlowInterface.class.isAssignableFrom(cls)) {
            KnownFlows.watch(followed);
        }
        following.set(followed);
        try {
            Runnable end = super.receive(consumerGroup, message -> {
                try {
                    consumer.accept(message);
                } finally {
                    followed.delivered(1);
                }
            }, forUpdate);
            return () -> {
                end.run();
                followers.remove(followed);
            };
        } finally {
            following.remove();
        }
    }

    /**
     * Fetches what a follower has not seen yet, without locks.
     *
     * Kestra skips rows that another consumer has locked, and a follower never looks back: it would miss what stands
     * before a row that is not locked.
     */
    @Override
    protected Result<Record> receiveFetch(DSLContext database, String consumerGroup, Long offset, boolean forUpdate) {
        if (offset != null) {
            following.get().passed(offset);
        }
        return super.receiveFetch(database, consumerGroup, offset, false);
    }

    @Override
    protected void doUpdateGroupOffsets(DSLContext database, String consumerGroup, String reader, List<Long> offsets) {
        List<String> names = List.copyOf(readers);
        boolean followed = !followers.isEmpty();
        boolean marked = followed || names.size() > 1;
        if (marked) {
            super.doUpdateGroupOffsets(database, consumerGroup, reader, offsets);
        }
        Condition received = names.stream()
            .filter(name -> marked)
            .map(name -> DSL.condition("ARRAY_CONTAINS(\"consumers\", ?)", name))
            .reduce(DSL.noCondition(), Condition::and);
        database.delete(table)
            .where(followed ? passed() : AbstractJdbcRepository.field("offset").in(offsets))
            .and(received)
            .execute();
    }

    /** Which messages all followers have; the last of them only when there is another one. */
    private Condition passed() {
        long offset = followers.stream().mapToLong(Deliveries::passed).min().orElse(0);
        return buildTypeCondition(queueType()).and(AbstractJdbcRepository.field("offset").le(offset));
    }

    @Override
    public void emit(String consumerGroup, T message) throws QueueException {
        if (held.get() != null && ((ExecutionKilled) message).getState() == ExecutionKilled.State.EXECUTED) {
            held.get().add(message);
            return;
        }
        HeldResults.given(message);
        if (HeldResults.wants(message)) {
            // A message that is too big is refused now, while the worker can still tell it.
            produceFields(consumerGroup, null, message);
            HeldResults.hold(message, () -> store(consumerGroup, message));
        } else {
            store(consumerGroup, message);
        }
    }

    private void store(String consumerGroup, T message) throws QueueException {
        storeInOrder(() -> super.emit(consumerGroup, message));
        transactionEnd.afterCommit(this::stored);
    }

    private void storeInOrder(TransactionEnd.Storing storing) throws QueueException {
        if (followers.isEmpty()) {
            storing.run();
        } else {
            transactionEnd.storeInOrder(storing);
        }
    }

    /**
     * Emits to the workers that tasks are to be ended only when the executor has marked their execution as KILLING.
     *
     * Kestra emits it before: here a worker would be so fast that the execution ends without that mark, and by it the
     * executor knows that a slot of a concurrency limit is free again.
     */
    private void holding(Runnable consumer) {
        List<T> messages = new ArrayList<>();
        held.set(messages);
        try {
            consumer.run();
        } finally {
            held.remove();
            messages.forEach(message -> {
                try {
                    emit(null, message);
                } catch (QueueException e) {
                    LOG.error("A worker was not told to end the tasks of an execution", e);
                }
            });
        }
    }

    @Override
    public void emitOnly(String consumerGroup, T message) throws QueueException {
        storeInOrder(() -> super.emitOnly(consumerGroup, message));
        transactionEnd.afterCommit(this::stored);
    }

    @Override
    public void emitAsync(String consumerGroup, List<T> messages) {
        LateEmits.submit(() -> {
            for (T message : messages) {
                emit(consumerGroup, message);
            }
        });
    }

    private void stored() {
        deliveries.stored();
        followers.forEach(Deliveries::stored);
        wakeAll();
    }

    private void wakeAll() {
        consumers.forEach(Consumer::wake);
    }

    @Override
    protected Runnable poll(Supplier<Integer> fetch) {
        Consumer consumer = new Consumer(fetch);
        consumers.add(consumer);
        Thread thread = new Thread(consumer, "queue-" + cls.getSimpleName());
        thread.setDaemon(true);
        thread.start();
        return () -> {
            consumers.remove(consumer);
            consumer.stop();
            try {
                thread.join(STOP_LIMIT_MS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        };
    }

    @Override
    public void pause() {
        paused = true;
    }

    @Override
    public void resume() {
        paused = false;
        wakeAll();
    }

    @Override
    public void close() throws IOException {
        consumers.forEach(Consumer::stop);
        super.close();
    }

    private final class Consumer implements Runnable {
        private final Supplier<Integer> fetch;
        private volatile boolean running = true;
        private boolean woken;

        Consumer(Supplier<Integer> fetch) {
            this.fetch = fetch;
        }

        @Override
        public void run() {
            long pause = FIRST_PAUSE_MS;
            while (running) {
                if (received()) {
                    pause = FIRST_PAUSE_MS;
                } else if (rest(pause)) {
                    pause = FIRST_PAUSE_MS;
                } else {
                    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
                }
            }
        }

        private boolean received() {
            if (paused) {
                return false;
            }
            try {
                return fetch.get() > 0;
            } catch (CannotCreateTransactionException e) {
                LOG.debug("The database is not there at the moment", e);
            } catch (Throwable e) {
                // A consumer that ended silently would leave the engine running, but deaf.
                if (running) {
                    LOG.error("The consumer of {} failed: the engine ends", cls.getName(), e);
                    running = false;
                    Failure.happened();
                }
            }
            return false;
        }

        /** Tells whether the pause was ended by a message. */
        private synchronized boolean rest(long milliseconds) {
            try {
                if (!woken && running) {
                    wait(milliseconds);
                }
            } catch (InterruptedException e) {
                running = false;
            }
            boolean wasWoken = woken;
            woken = false;
            return wasWoken;
        }

        synchronized void wake() {
            woken = true;
            notify();
        }

        void stop() {
            running = false;
            wake();
        }
    }
}
