package pytestkestra;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.kestra.core.executor.command.Create;
import io.kestra.core.executor.command.ExecutionCommand;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.ExecutionId;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.models.flows.GenericFlow;
import io.kestra.core.queues.DispatchQueueInterface;
import io.kestra.core.repositories.ExecutionRepositoryInterface;
import io.kestra.core.repositories.FlowRepositoryInterface;
import io.kestra.core.repositories.LogDataStoreInterface;
import io.kestra.core.runners.FlowInputOutput;
import io.kestra.core.server.Service;
import io.kestra.core.services.ExecutionService;
import io.kestra.core.services.FlowService;
import io.kestra.core.utils.IdUtils;
import io.kestra.runner.h2.ExecutionEnds;
import io.kestra.runner.h2.LateEmits;
import io.kestra.runner.h2.Operations;
import io.kestra.runner.h2.Server;
import io.micronaut.context.ApplicationContext;
import io.micronaut.core.type.Argument;
import org.slf4j.event.Level;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Does what a short test run does, while the virtual machine notes what it loads, and writes the empty tables.
 *
 * Arguments: the properties as JSON, the flow to run, the file for the tables.
 */
public final class Training {
    private static final String TENANT = "main";
    private static final int RUNS = 20;
    private static final int WORKER_THREADS = 8;

    private Training() {
    }

    public static void main(String[] arguments) {
        try {
            train(arguments);
            System.exit(0); // an orderly end, at which the virtual machine writes its cache
        } catch (Throwable e) { // threads of Kestra's would go on without this one
            e.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    private static void train(String[] arguments) throws Exception {
        @SuppressWarnings("unchecked")
        Map<String, Object> properties = new ObjectMapper().readValue(Path.of(arguments[0]).toFile(), Map.class);
        Server server = new Server(properties);
        writeTables(properties, Path.of(arguments[2]));
        List<Service> services = server.start(WORKER_THREADS);
        while (!services.stream().allMatch(service -> service.getState() == Service.ServiceState.RUNNING)) {
            Thread.sleep(5);
        }
        run(server.context(), Files.readString(Path.of(arguments[1])));
    }

    private static void writeTables(Map<String, Object> properties, Path file) throws Exception {
        String url = (String) properties.get("datasources.h2.url");
        try (Connection connection = DriverManager.getConnection(url, (String) properties.get("datasources.h2.username"), "");
             PreparedStatement script = connection.prepareStatement("SCRIPT SIMPLE NOPASSWORDS TO ?")) {
            script.setString(1, file.toString());
            script.execute();
        }
    }

    @SuppressWarnings("unchecked")
    private static void run(ApplicationContext context, String source) throws Exception {
        ObjectMapper json = context.getBean(ObjectMapper.class);
        FlowService flows = context.getBean(FlowService.class);
        DispatchQueueInterface<ExecutionCommand> commands =
            context.getBean(Argument.of(DispatchQueueInterface.class, ExecutionCommand.class));
        FlowInputOutput inputs = context.getBean(FlowInputOutput.class);
        json.writeValueAsString(flows.create(GenericFlow.fromYaml(TENANT, source)));
        var stored = context.getBean(FlowRepositoryInterface.class).findAll(TENANT).getFirst();
        for (int i = 0; i < RUNS; i++) {
            Flow flow = flows.getFlowIfExecutableOrThrow(TENANT, stored.getNamespace(), stored.getId(), Optional.empty());
            Execution execution = Execution.newExecution(flow, null, List.of(), Optional.empty());
            Map<String, Object> values = inputs.readExecutionInputs(flow, execution, Map.of("name", "Ada"));
            var end = ExecutionEnds.of(execution.getId(), flow, context.getBean(ExecutionService.class));
            String operation = IdUtils.create();
            var processed = Operations.of(operation);
            commands.emit(
                Create.of(new ExecutionId(TENANT, flow.getNamespace(), flow.getId(), execution.getId(), flow.getRevision()))
                    .withInputs(values)
                    .withOperationId(operation)
            );
            processed.get();
            end.get();
            var ended = context.getBean(ExecutionRepositoryInterface.class).findById(TENANT, execution.getId()).orElseThrow();
            json.writeValueAsString(json.valueToTree(ended));
            LateEmits.settle();
            json.writeValueAsString(
                context.getBean(LogDataStoreInterface.class).findByExecutionId(TENANT, ended.getId(), Level.TRACE));
        }
    }
}
