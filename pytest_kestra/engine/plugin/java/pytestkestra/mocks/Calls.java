package pytestkestra.mocks;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.kestra.core.exceptions.ResourceExpiredException;
import io.kestra.core.runners.RunContext;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.storages.kv.KVStore;
import io.kestra.core.storages.kv.KVValueAndMetadata;

import java.io.IOException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Notes the calls of a mock in the key-value store of the flow's namespace, where the test reads them; a mock that asks
 * the test gets its answer there, too. So every server serves, wherever it is, and the test process listens nowhere.
 */
class Calls {
    private static final String PREFIX = "pytest-kestra.mock.";
    private static final long POLL_MS = 10;
    /** How often a mock has answered, for those whose answers are a sequence. */
    private static final Map<String, AtomicInteger> COUNTS = new ConcurrentHashMap<>();
    private static final ObjectMapper JSON = JacksonMapper.ofJson();

    private final RunContext runContext;
    private final StandIn.Mock mock;
    private final KVStore store;
    private final String name;

    Calls(RunContext runContext, StandIn.Mock mock) {
        this.runContext = runContext;
        this.mock = mock;
        this.store = runContext.namespaceKv(runContext.flowInfo().namespace());
        this.name = PREFIX + mock.id() + "." + UUID.randomUUID();
    }

    /** Notes a call, and returns its number, which counts from 0. */
    int note(Map<String, Object> properties) throws IOException {
        int number = COUNTS.computeIfAbsent(mock.id(), id -> new AtomicInteger()).getAndIncrement();
        put(name + ".call", JSON.writeValueAsString(call(number, properties)));
        return number;
    }

    StandIn.Answer answer(Map<String, Object> properties) throws Exception {
        int number = note(properties);
        if (mock.asks()) {
            put(name + ".asks", "");
            return asked();
        }
        List<StandIn.Answer> answers = mock.answers();
        if (!mock.inTurn()) {
            return answers.getFirst();
        }
        if (number < answers.size()) {
            return answers.get(number);
        }
        String count = answers.size() == 1 ? "one answer" : answers.size() + " answers";
        String error = "This is call " + (number + 1) + " of a mock that has " + count + ".";
        return new StandIn.Answer(null, null, error, 0, true);
    }

    private Map<String, Object> call(int number, Map<String, Object> properties) {
        Map<String, Object> call = new LinkedHashMap<>();
        call.put("number", number);
        call.put("time", Instant.now().toString());
        call.put("flow", runContext.flowInfo().id());
        call.put("execution", of(runContext, "execution", "id"));
        call.put("task", of(runContext, "task", "id"));
        call.put("value", iteration(runContext));
        call.put("attempt", of(runContext, "taskrun", "attemptsCount") instanceof Integer before ? before + 1 : 1);
        call.put("properties", properties);
        return call;
    }

    /**
     * The value that the innermost loop has for the task: that of its task run, or where loops make none (since 2.0)
     * their item, or that of the nearest task run around it.
     */
    static String iteration(RunContext runContext) {
        String value = own(runContext);
        if (value == null) {
            value = text(of(runContext, "item", "value"));
        }
        return value == null ? around(runContext) : value;
    }

    private static String around(RunContext runContext) {
        if (runContext.getVariables().get("parents") instanceof List<?> parents) {
            for (Object parent : parents) {
                if (parent instanceof Map<?, ?> known && known.get("taskrun") instanceof Map<?, ?> taskRun
                    && taskRun.get("value") != null) {
                    return text(taskRun.get("value"));
                }
            }
        }
        return null;
    }

    /** The value of the task run itself. */
    static String own(RunContext runContext) {
        return text(of(runContext, "taskrun", "value"));
    }

    private static String text(Object value) {
        return value == null ? null : value.toString();
    }

    private static Object of(RunContext runContext, String variable, String name) {
        return runContext.getVariables().get(variable) instanceof Map<?, ?> values ? values.get(name) : null;
    }

    /**
     * Waits for the answer of the test; the task's timeout and a kill end that. Kestra tells of a key before its value
     * is written whole, so another key says that the answer is there.
     */
    private StandIn.Answer asked() throws IOException, ResourceExpiredException, InterruptedException {
        while (store.get(name + ".answered").isEmpty()) {
            Thread.sleep(POLL_MS);
        }
        String text = store.getValue(name + ".answer").orElseThrow().value().toString();
        return JSON.readValue(text, StandIn.Answer.class);
    }

    private void put(String key, String value) throws IOException {
        store.put(key, new KVValueAndMetadata(null, value));
    }
}
