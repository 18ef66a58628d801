package io.kestra.plugin.scripts.python;

import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.ScriptTask;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import jakarta.validation.constraints.NotNull;

import java.util.List;

/** Runs commands that call Python. */
@Plugin
public class Commands extends ScriptTask {
    @NotNull
    private Property<List<String>> commands;

    public Commands() {
        super("python:3.13-slim");
    }

    public Property<List<String>> getCommands() {
        return commands;
    }

    @Override
    protected Property<List<String>> commandLines(RunContext runContext, CommandsWrapper wrapper) {
        return commands;
    }
}
