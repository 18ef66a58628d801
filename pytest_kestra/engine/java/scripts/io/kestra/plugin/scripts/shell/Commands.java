package io.kestra.plugin.scripts.shell;

import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.ScriptTask;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import jakarta.validation.constraints.NotNull;

import java.util.List;

/** Runs shell commands. */
@Plugin
public class Commands extends ScriptTask {
    @NotNull
    private Property<List<String>> commands;

    public Commands() {
        super("ubuntu");
    }

    public Property<List<String>> getCommands() {
        return commands;
    }

    @Override
    protected Property<List<String>> commandLines(RunContext runContext, CommandsWrapper wrapper) {
        return commands;
    }
}
