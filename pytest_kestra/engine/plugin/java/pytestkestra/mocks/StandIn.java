package pytestkestra.mocks;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.flows.State;
import io.kestra.core.models.tasks.Output;
import io.kestra.core.models.tasks.RunnableTask;
import io.kestra.core.models.tasks.Task;
import io.kestra.core.runners.RunContext;

import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Stands where a test has mocked a task: it has that task's id, renders its properties, notes the call and gives the
 * mock's answer.
 */
@Plugin
public class StandIn extends Task implements RunnableTask<Output> {
    /** The mocked task as the flow has it, with its type. */
    private Map<String, Object> mocked;

    /** Those of its properties that only the task itself can render, such as the condition of a LoopUntil. */
    private Map<String, Object> late;

    private List<Mock> mocks;

    /** The mocked task as Kestra knows it, where no mock is meant for some iterations. */
    private Task original;

    /**
     * What a mock says: for which iteration (null: for all), and what comes of it. One that is `exact` is for task runs
     * of that value only (null: of none), as Kestra's fixtures are. With `inTurn` each answer is for one call, else there
     * is one answer for all.
     */
    public record Mock(
        String id, String value, boolean unrendered, boolean asks, boolean exact, boolean inTurn, List<Answer> answers
    ) {
    }

    /** How a run of the task ends; `delay` is in milliseconds. */
    public record Answer(Map<String, Object> outputs, State.Type state, String error, long delay, boolean literal) {
    }

    public Map<String, Object> getMocked() {
        return mocked;
    }

    public Map<String, Object> getLate() {
        return late;
    }

    public List<Mock> getMocks() {
        return mocks;
    }

    public Task getOriginal() {
        return original;
    }

    @Override
    public Output run(RunContext runContext) throws Exception {
        String value = Calls.iteration(runContext);
        Optional<Mock> found = of(value, Calls.own(runContext));
        if (found.isPresent()) {
            return answered(runContext, found.get());
        }
        if (original instanceof RunnableTask<?> task) {
            return task.run(runContext);
        }
        throw new IllegalStateException("No mock is meant for the iteration '" + value + "' of this task.");
    }

    private Optional<Mock> of(String value, String own) {
        Optional<Mock> only = mocks.stream()
            .filter(mock -> mock.value != null && mock.value.equals(mock.exact ? own : value))
            .findFirst();
        return only.isPresent()
            ? only
            : mocks.stream().filter(mock -> mock.value == null && (own == null || !mock.exact)).findFirst();
    }

    private Output answered(RunContext runContext, Mock mock) throws Exception {
        Answer answer;
        if (mock.id == null) { // it only forbids that the task runs
            answer = mock.answers.getFirst();
        } else {
            answer = new Calls(runContext, mock).answer(properties(runContext, mock));
        }
        if (answer.delay > 0) {
            Thread.sleep(answer.delay);
        }
        if (answer.error != null) {
            runContext.logger().error(answer.error);
        }
        State.Type state = Optional.ofNullable(answer.state)
            .orElse(answer.error == null ? State.Type.SUCCESS : State.Type.FAILED);
        return new Given(state, outputs(runContext, answer));
    }

    private Map<String, Object> properties(RunContext runContext, Mock mock) throws Exception {
        Map<String, Object> all = new LinkedHashMap<>(mocked);
        if (late != null) {
            all.putAll(late);
        }
        if (mock.unrendered) {
            return all;
        }
        try {
            // What script tasks have of their own.
            String folder = runContext.workingDir().path().toString();
            all.putAll(runContext.render(mocked, Map.of("workingDir", folder, "outputDir", folder)));
            return all;
        } catch (IllegalVariableEvaluationException broken) {
            // The mock was called, though with what cannot be told.
            new Calls(runContext, mock).note(all);
            throw broken;
        }
    }

    private static Map<String, Object> outputs(RunContext runContext, Answer answer) throws IllegalVariableEvaluationException {
        if (answer.outputs == null) {
            return Map.of();
        }
        return answer.literal ? answer.outputs : runContext.render(answer.outputs);
    }

    /** The outputs and the state that a mock gives. */
    private record Given(State.Type state, Map<String, Object> outputs) implements Output {
        @Override
        public Optional<State.Type> finalState() {
            return Optional.of(state);
        }

        @Override
        public Map<String, Object> toMap() {
            return outputs;
        }

        @Override
        public Map<String, Object> toMap(ZoneId zone) {
            return outputs;
        }
    }
}
