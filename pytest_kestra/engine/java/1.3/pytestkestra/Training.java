package pytestkestra;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.queues.QueueInterface;
import io.kestra.core.repositories.ExecutionRepositoryInterface;
import io.kestra.core.repositories.FlowRepositoryInterface;
import io.kestra.core.repositories.LogRepositoryInterface;
import io.kestra.core.runners.ExecutorInterface;
import io.kestra.core.runners.FlowInputOutput;
import io.kestra.core.runners.Indexer;
import io.kestra.core.runners.Scheduler;
import io.kestra.core.runners.Worker;
import io.kestra.core.server.Service;
import io.kestra.core.services.ExecutionService;
import io.kestra.core.services.FlowService;
import io.kestra.core.utils.IdUtils;
import io.kestra.runner.h2.ExecutionEnds;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micronaut.context.ApplicationContext;
import io.micronaut.inject.qualifiers.Qualifiers;
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
        ApplicationContext context = ApplicationContext.builder()
            .properties(properties)
            .deduceEnvironment(false)
            .banner(false)
            .singletons(MeterFilter.deny())
            .start();
        writeTables(properties, Path.of(arguments[2]));
        startServices(context);
        run(context, Files.readString(Path.of(arguments[1])));
    }

    private static void writeTables(Map<String, Object> properties, Path file) throws Exception {
        String url = (String) properties.get("datasources.h2.url");
        try (Connection connection = DriverManager.getConnection(url, (String) properties.get("datasources.h2.username"), "");
             PreparedStatement script = connection.prepareStatement("SCRIPT SIMPLE NOPASSWORDS TO ?")) {
            script.setString(1, file.toString());
            script.execute();
        }
    }

    private static void startServices(ApplicationContext context) throws InterruptedException {
        List<Service> services = List.of(
            (Service) context.getBean(ExecutorInterface.class),
            (Service) context.createBean(Worker.class, IdUtils.create(), 8, null),
            (Service) context.getBean(Scheduler.class),
            (Service) context.getBean(Indexer.class)
        );
        for (Service service : services) {
            Thread thread = new Thread((Runnable) service);
            thread.setDaemon(true);
            thread.start();
        }
        while (!services.stream().allMatch(service -> service.getState() == Service.ServiceState.RUNNING)) {
            Thread.sleep(5);
        }
    }

    @SuppressWarnings("unchecked")
    private static void run(ApplicationContext context, String source) throws Exception {
        ObjectMapper json = context.getBean(ObjectMapper.class);
        FlowService flows = context.getBean(FlowService.class);
        ExecutionService service = context.getBean(ExecutionService.class);
        QueueInterface<Execution> queue = context.getBean(QueueInterface.class, Qualifiers.byName("executionQueue"));
        FlowInputOutput inputs = context.getBean(FlowInputOutput.class);
        json.writeValueAsString(flows.create(io.kestra.core.models.flows.GenericFlow.fromYaml(TENANT, source), true));
        var stored = context.getBean(FlowRepositoryInterface.class).findAll(TENANT).getFirst();
        for (int i = 0; i < RUNS; i++) {
            Flow flow = flows.getFlowIfExecutableOrThrow(TENANT, stored.getNamespace(), stored.getId(), Optional.empty());
            Execution execution = Execution.newExecution(flow, null, List.of(), Optional.empty());
            execution = execution.withInputs(inputs.readExecutionInputs(flow, execution, Map.of("name", "Ada")));
            var end = ExecutionEnds.of(execution.getId(), flow, service);
            queue.emit(execution);
            end.get();
            var ended = context.getBean(ExecutionRepositoryInterface.class).findById(TENANT, execution.getId()).orElseThrow();
            json.writeValueAsString(json.valueToTree(ended));
            json.writeValueAsString(context.getBean(LogRepositoryInterface.class).findByExecutionId(TENANT, ended.getId(), Level.TRACE));
        }
    }
}
