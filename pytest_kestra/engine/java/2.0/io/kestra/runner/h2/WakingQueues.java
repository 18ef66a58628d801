package io.kestra.runner.h2;

import io.kestra.core.queues.QueueException;
import io.kestra.jdbc.AbstractJdbcRepository;
import io.kestra.jdbc.JdbcQueueItem;
import io.kestra.jdbc.JooqDSLContextWrapper;
import io.kestra.jdbc.runner.JdbcQueueConfiguration;
import io.kestra.queue.jdbc.client.JdbcQueueClient;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.commons.lang3.tuple.Pair;

/**
 * Kestra's queues in the database, whose readers are woken by what is published and otherwise rest.
 *
 * What is stored, locked and delivered is Kestra's. Kestra's readers sleep a fixed time between two looks, of which a
 * short one costs a core while nothing runs and a long one costs latency. The database lives in this process, so every
 * message is published here and a rest can end at once.
 */
public final class WakingQueues extends JdbcQueueClient {
    /** Nothing should be missed by who is woken; whatever else writes into the table is found at the next look. */
    private static final long REST_MS = 1000;
    private static final long NOTHING = -1;

    private static final Map<String, Channel> CHANNELS = new ConcurrentHashMap<>();

    private final TransactionEnd transactionEnd;
    /** How many messages of a queue a thread knows to be dealt with. */
    private final ThreadLocal<Map<String, Long>> seen = ThreadLocal.withInitial(HashMap::new);

    public WakingQueues(
        AbstractJdbcRepository<JdbcQueueItem> repository,
        JooqDSLContextWrapper database,
        JdbcQueueConfiguration configuration,
        TransactionEnd transactionEnd) {
        super(repository, database, configuration);
        this.transactionEnd = transactionEnd;
    }

    static Channel channel(String queue) {
        return CHANNELS.computeIfAbsent(queue, Channel::new);
    }

    @Override
    public void publish(String queue, String routingKey, String key, String value) throws QueueException {
        transactionEnd.storeInOrder(() -> super.publish(queue, routingKey, key, value));
        transactionEnd.afterCommit(() -> channel(queue).stored(1));
    }

    @Override
    public void publish(List<PublishedMessage> messages) throws QueueException {
        transactionEnd.storeInOrder(() -> super.publish(messages));
        Map<String, Integer> counts = messages.stream()
            .collect(Collectors.toMap(PublishedMessage::queue, message -> 1, Integer::sum));
        transactionEnd.afterCommit(() -> counts.forEach((queue, count) -> channel(queue).stored(count)));
    }

    @Override
    public Integer subscribeDispatch(String queue, List<String> routingKeys, Consumer<byte[]> consumer) {
        return delivered(queue, () -> super.subscribeDispatch(queue, routingKeys, consumer));
    }

    @Override
    public Integer subscribeDispatchBatch(String queue, List<String> routingKeys, Consumer<List<byte[]>> consumer) {
        return delivered(queue, () -> super.subscribeDispatchBatch(queue, routingKeys, consumer));
    }

    private Integer delivered(String queue, Supplier<Integer> look) {
        int count = resting(queue, look, Function.identity());
        if (count > 0) {
            channel(queue).delivered(count);
        }
        return count;
    }

    @Override
    protected Pair<Integer, Long> subscribeBroadcast(String queue, Long offset, Consumer<byte[]> consumer) {
        return followed(queue, offset, () -> super.subscribeBroadcast(queue, offset, consumer));
    }

    @Override
    public Pair<Integer, Long> subscribeBroadcastBatch(String queue, Long offset, Consumer<List<byte[]>> consumer) {
        return followed(queue, offset, () -> super.subscribeBroadcastBatch(queue, offset, consumer));
    }

    private Pair<Integer, Long> followed(String queue, Long offset, Supplier<Pair<Integer, Long>> look) {
        return resting(queue, () -> {
            channel(queue).reads(offset == null ? 0 : offset);
            Pair<Integer, Long> found = look.get();
            channel(queue).hasRead(found.getRight() == null ? 0 : found.getRight());
            return found;
        }, Pair::getLeft);
    }

    /** Looks for messages, after a rest where there was none at the last look and none was published since. */
    private <T> T resting(String queue, Supplier<T> look, Function<T, Integer> count) {
        long known;
        try {
            known = channel(queue).rest(seen.get().getOrDefault(queue, NOTHING), REST_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            known = NOTHING;
        }
        T found = look.get();
        seen.get().put(queue, count.apply(found) > 0 ? NOTHING : known);
        return found;
    }
}
