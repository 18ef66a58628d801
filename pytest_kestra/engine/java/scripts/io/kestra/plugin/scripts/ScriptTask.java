package io.kestra.plugin.scripts;

import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.RunnableTask;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.AbstractExecScript;
import io.kestra.plugin.scripts.exec.scripts.models.ScriptOutput;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;

import java.util.List;

/**
 * What the four script tasks share: Kestra's own wrapper renders, prepares and runs their commands.
 *
 * The official script plugins are not part of the engine's jars. These stand in for them, under the same type names,
 * until a jar that brings the official ones is configured.
 */
public abstract class ScriptTask extends AbstractExecScript implements RunnableTask<ScriptOutput> {
    protected Property<String> containerImage;

    protected ScriptTask(String containerImage) {
        this.containerImage = Property.ofValue(containerImage);
    }

    @Override
    public Property<String> getContainerImage() {
        return containerImage;
    }

    /** Returns the command lines that the interpreter is to run. */
    protected abstract Property<List<String>> commandLines(RunContext runContext, CommandsWrapper wrapper) throws Exception;

    @Override
    public ScriptOutput run(RunContext runContext) throws Exception {
        CommandsWrapper wrapper = commands(runContext);
        return wrapper
            .withInterpreter(interpreter)
            .withBeforeCommands(beforeCommands)
            .withBeforeCommandsWithOptions(true)
            .withCommands(commandLines(runContext, wrapper))
            .run();
    }
}
