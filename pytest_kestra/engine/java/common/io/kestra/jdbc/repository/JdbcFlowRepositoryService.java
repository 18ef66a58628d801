package io.kestra.jdbc.repository;

import io.kestra.core.models.flows.FlowInterface;
import io.kestra.jdbc.AbstractJdbcRepository;

import java.util.List;

import org.jooq.Condition;
import org.jooq.Field;
import org.jooq.Record;
import org.jooq.SelectFieldOrAsterisk;
import org.jooq.Table;
import org.jooq.impl.DSL;

/**
 * Selects the last revision of each flow.
 *
 * It has the name of Kestra's own class and comes first on the class path. Kestra's numbers the revisions of all flows there
 * have ever been, and looks for one flow among these: in a run of tests these are more with each test, and a flow is looked
 * for five times when it is stored. Here a revision is one that has no later one, which the index of
 * `pytest_kestra.engine.database` tells, and who looks for one flow looks at its revisions only.
 */
public abstract class JdbcFlowRepositoryService {
    private static final String ONE = "one";
    private static final String LATER = "later";
    private static final List<String> FLOW = List.of("tenant_id", "namespace", "id");
    private static final ThreadLocal<List<String>> WITHOUT = ThreadLocal.withInitial(List::of);

    /** Leaves flows that are deleted out for this thread, which else reads them all and leaves them out itself. */
    public static void onlyExisting() {
        WITHOUT.set(List.of("deleted"));
    }

    public static Table<Record> lastRevision(AbstractJdbcRepository<? extends FlowInterface> repository, boolean asterisk) {
        return last(repository, asterisk, List.of());
    }

    /** Those that are drafts do not count; only Kestra 2.0 knows these, and asks. */
    public static Table<Record> lastNonDraftRevision(
        AbstractJdbcRepository<? extends FlowInterface> repository, boolean asterisk) {
        return last(repository, asterisk, List.of("draft"));
    }

    private static Table<Record> last(
        AbstractJdbcRepository<? extends FlowInterface> repository, boolean asterisk, List<String> without) {
        Table<Record> one = repository.getTable().as(ONE);
        Table<Record> later = repository.getTable().as(LATER);
        Condition newer = field(LATER, "revision", Integer.class).gt(field(ONE, "revision", Integer.class));
        for (String name : FLOW) {
            newer = newer.and(field(LATER, name, String.class).eq(field(ONE, name, String.class)));
        }
        List<SelectFieldOrAsterisk> fields = asterisk
            ? List.of(one.asterisk())
            : List.of(field(ONE, "key", String.class), field(ONE, "revision", Integer.class));
        return DSL.select(fields)
            .from(one)
            .where(none(ONE, without))
            .and(none(ONE, WITHOUT.get()))
            .andNotExists(DSL.selectOne().from(later).where(newer).and(none(LATER, without)))
            .asTable("rev");
    }

    private static Condition none(String table, List<String> names) {
        return names.stream()
            .map(name -> field(table, name, Boolean.class).isFalse())
            .reduce(DSL.noCondition(), Condition::and);
    }

    private static <T> Field<T> field(String table, String name, Class<T> type) {
        return DSL.field(DSL.name(table, name), type);
    }
}
