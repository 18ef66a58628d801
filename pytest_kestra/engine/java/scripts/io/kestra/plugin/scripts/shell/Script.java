package io.kestra.plugin.scripts.shell;

import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.ScriptTask;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import jakarta.validation.constraints.NotNull;

import java.util.List;

/** Runs a shell script that stands in the flow. */
@Plugin
public class Script extends ScriptTask {
    @NotNull
    private Property<String> script;

    public Script() {
        super("ubuntu");
    }

    public Property<String> getScript() {
        return script;
    }

    @Override
    protected Property<List<String>> commandLines(RunContext runContext, CommandsWrapper wrapper) throws Exception {
        return Property.ofValue(List.of(wrapper.render(runContext, script)));
    }
}
