package io.kestra.plugin.scripts.python;

import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.runners.TargetOS;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.ScriptTask;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import jakarta.validation.constraints.NotNull;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** Runs a Python script that stands in the flow. */
@Plugin
public class Script extends ScriptTask {
    @NotNull
    private Property<String> script;

    public Script() {
        super("python:3.13-slim");
    }

    public Property<String> getScript() {
        return script;
    }

    @Override
    protected Property<List<String>> commandLines(RunContext runContext, CommandsWrapper wrapper) throws Exception {
        byte[] text = wrapper.render(runContext, script).getBytes(StandardCharsets.UTF_8);
        Path file = runContext.workingDir().createTempFile(text, ".py");
        String relative = runContext.workingDir().path().relativize(file).toString();
        TargetOS system = runContext.render(getTargetOS()).as(TargetOS.class).orElse(TargetOS.AUTO);
        return Property.ofValue(List.of("python \"" + wrapper.getTaskRunner().toAbsolutePath(runContext, wrapper, relative, system) + "\""));
    }
}
