package io.kestra.runner.h2;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import io.kestra.core.serializers.JacksonMapper;

import java.lang.ref.SoftReference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.StreamSupport;
import net.thisptr.jackson.jq.BuiltinFunctionLoader;
import net.thisptr.jackson.jq.JsonQuery;
import net.thisptr.jackson.jq.Scope;
import net.thisptr.jackson.jq.Versions;
import net.thisptr.jackson.jq.exception.JsonQueryException;

/**
 * What the database calls for the columns that it computes from a row's JSON text, by expressions of jq.
 *
 * It has the name of Kestra's own class and comes first on the class path. Kestra's parses the text, and compiles the
 * expression, again for each column: of an execution, which is stored at each state of each of its task runs, fourteen
 * times. Here a thread remembers the text it has parsed last, and expressions stay compiled. Values and exceptions are
 * Kestra's; a test compares them.
 */
public final class H2Functions {
    // The tables have some fifty; Kestra makes others of what somebody searches for, such as the key of a label.
    private static final int MOST_QUERIES = 500;
    private static final Scope SCOPE = Scope.newEmptyScope();
    private static final Map<String, JsonQuery> QUERIES = new ConcurrentHashMap<>();
    // Let go when memory is short: an execution can be large, and there are many threads.
    private static final ThreadLocal<SoftReference<Parsed>> LAST = new ThreadLocal<>();

    static {
        BuiltinFunctionLoader.getInstance().loadFunctions(Versions.JQ_1_6, SCOPE);
    }

    /** A text and what it says; nobody changes it, as expressions of jq make new values. */
    private record Parsed(String text, JsonNode tree) {}

    private H2Functions() {}

    public static String escapeJqString(String value) {
        if (value == null) {
            return null;
        }
        StringBuilder escaped = new StringBuilder(value.length());
        for (char letter : value.toCharArray()) {
            switch (letter) {
                case '\\' -> escaped.append("\\\\");
                case '"' -> escaped.append("\\\"");
                case '\b' -> escaped.append("\\b");
                case '\f' -> escaped.append("\\f");
                case '\n' -> escaped.append("\\n");
                case '\r' -> escaped.append("\\r");
                case '\t' -> escaped.append("\\t");
                default -> escaped.append(letter < ' ' ? String.format("\\u%04x", (int) letter) : letter);
            }
        }
        return escaped.toString();
    }

    public static Boolean jqBoolean(String value, String expression) throws Exception {
        return first(value, expression, JsonNode::asBoolean);
    }

    public static String jqString(String value, String expression) throws Exception {
        return first(value, expression, JsonNode::asText);
    }

    public static String[] jqStringArray(String value, String expression) throws Exception {
        if (found(value, expression).getFirst() instanceof ArrayNode array) {
            return StreamSupport.stream(array.spliterator(), false).map(JsonNode::asText).toArray(String[]::new);
        }
        return new String[0];
    }

    public static Long jqLong(String value, String expression) throws Exception {
        return first(value, expression, JsonNode::asLong);
    }

    public static Integer jqInteger(String value, String expression) throws Exception {
        return first(value, expression, JsonNode::asInt);
    }

    public static Double jqDouble(String value, String expression) throws Exception {
        return first(value, expression, JsonNode::asDouble);
    }

    private static <T> T first(String value, String expression, Function<JsonNode, T> function) throws Exception {
        List<JsonNode> found = found(value, expression);
        return found.isEmpty() || found.getFirst() instanceof NullNode ? null : function.apply(found.getFirst());
    }

    private static List<JsonNode> found(String value, String expression) throws Exception {
        // The expression first, as Kestra: where both are wrong, this is what is told.
        JsonQuery query = query(expression);
        List<JsonNode> found = new ArrayList<>();
        query.apply(SCOPE, tree(value), found::add);
        return found;
    }

    private static JsonQuery query(String expression) throws JsonQueryException {
        JsonQuery known = expression == null ? null : QUERIES.get(expression);
        if (known != null) {
            return known;
        }
        JsonQuery query = JsonQuery.compile(expression, Versions.JQ_1_6);
        if (QUERIES.size() >= MOST_QUERIES) {
            QUERIES.clear();
        }
        QUERIES.put(expression, query);
        return query;
    }

    private static JsonNode tree(String value) throws JsonProcessingException {
        SoftReference<Parsed> reference = LAST.get();
        Parsed last = reference == null ? null : reference.get();
        if (last != null && last.text().equals(value)) {
            return last.tree();
        }
        JsonNode tree = JacksonMapper.ofJson().readTree(value);
        LAST.set(new SoftReference<>(new Parsed(value, tree)));
        return tree;
    }
}
