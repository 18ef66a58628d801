"""The endpoints that run suites: with Kestra's own fixtures, and assertions that Kestra's own code evaluates."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import problems
from pytest_kestra.engine.api.calls import JSON, Call, json_response, route
from pytest_kestra.engine.api.executions import lookup
from pytest_kestra.engine.api.suites import editing, texts
from pytest_kestra.engine.jvm import java, to_java

EXECUTION = "io.kestra.core.models.executions.Execution"
SUITE_RESULT = "io.kestra.core.test.TestSuiteRunResult"
CASE_RESULT = "io.kestra.core.test.flow.UnitTestResult"
ERROR = "io.kestra.core.test.flow.AssertionRunError"
SUCCESS = "SUCCESS"


async def run(call: Call) -> Response:
    """Run the cases of a suite, or those of them that the body names, one after the other."""
    suite = editing.find(call)
    wished = await call.run(_wished, call)
    result = await _run(call, suite, wished)
    return await call.run(json_response, call.kestra, result)


async def run_matching(call: Call) -> Response:
    """Run the suites of a namespace and of a flow."""
    query = await call.run(call.read, "java.util.Map")
    namespace, flow_id = query.get("namespace"), query.get("flowId")
    children = query.get("includeChildNamespaces") is not False
    suites = editing.select(call, namespace and str(namespace), flow_id and str(flow_id), children=children)
    found = [await _run(call, suite, None) for suite in suites]
    told = {
        "requestMade": query,
        "tenantId": call.tenant,
        "numberOfTestSuitesToBeRun": java("java.lang.Integer")(len(suites)),
        "numberOfTestCasesToBeRun": java("java.lang.Integer")(sum(len(suite.getTestCases()) for suite in suites)),
        "results": found,
    }
    return await call.run(lambda: json_response(call.kestra, to_java(told)))


def _wished(call: Call) -> set[str] | None:
    if not call.body:
        return None
    return {str(case) for case in call.texts("testCases")} or None


async def _run(call: Call, suite: Any, wished: Collection[str] | None) -> Any:
    run_id = java("io.kestra.core.utils.IdUtils").create()
    names = suite.getId(), suite.getNamespace(), suite.getFlowId()
    if suite.isDisabled():
        result = java(SUITE_RESULT).ofDisabledTestSuite(run_id, *names)
    else:
        begin = java("java.time.Instant").now()
        states = await call.run(texts.expected_states, suite)
        cases = [case for case in suite.getTestCases() if wished is None or str(case.getId()) in wished]
        if not cases:
            raise problems.not_found("Not Found: the suite has no such test case")
        found = [await _case(call, suite, case, states.get(str(case.getId()))) for case in cases]
        result = java(SUITE_RESULT).of(run_id, *names, begin, java("java.time.Instant").now(), to_java(found))
    call.kestra.suites.add_result(result)
    return result


async def _case(call: Call, suite: Any, case: Any, expected: str | None) -> Any:
    if case.isDisabled():
        return java(CASE_RESULT).ofDisabled(case.getId(), case.getType(), case.getFixtures())
    try:
        flow, execution = await call.run(_made, call, suite, case)
    except Exception as error:  # noqa: BLE001 - whatever keeps the flow from running is the case's error
        return await call.run(_result, call, case, None, [], [_error("The flow could not be run", problems.of(error))])
    with call.events.end(execution.getId(), flow, call.kestra.execution_service) as end:
        await call.run(call.kestra.start, execution)
        await end.get()
    return await call.run(_ended, call, case, flow, str(execution.getId()), expected)


def _made(call: Call, suite: Any, case: Any) -> tuple[Any, Any]:
    """Return the flow of a suite, and a new execution of it with the fixtures of a case."""
    flow = call.kestra.flow_service.getFlowIfExecutableOrThrow(
        call.tenant, suite.getNamespace(), suite.getFlowId(), java("java.util.Optional").empty()
    )
    kind = java("io.kestra.core.models.executions.ExecutionKind").TEST
    nothing = java("java.util.Optional").empty()
    execution = java(EXECUTION).newExecution(flow, None, to_java([]), nothing, kind)
    fixtures = case.getFixtures()
    if fixtures is None:
        return flow, execution.withInputs(call.kestra.inputs.readExecutionInputs(flow, execution, to_java({})))
    execution = _with_files(call, flow, execution, fixtures.getFiles())
    if (trigger := fixtures.getTrigger()) is not None:
        made = java("io.kestra.core.models.executions.ExecutionTrigger").builder()
        made.id(trigger.getId()).type(trigger.getType()).variables(trigger.getVariables())
        execution = execution.toBuilder().trigger(made.build()).build()
    context = call.kestra.run_contexts.of(flow, execution)
    inputs = context.render(fixtures.getInputs() or to_java({}))
    execution = execution.withInputs(call.kestra.inputs.readExecutionInputs(flow, execution, inputs))
    return flow, execution.withFixtures(fixtures.getTasks())


def _with_files(call: Call, flow: Any, execution: Any, files: Any) -> Any:
    """Store the files of a case, where `{{ files['name'] }}` finds them."""
    if not files:
        return execution
    storage = call.kestra.run_contexts.of(flow, execution).storage()
    stream = java("java.io.ByteArrayInputStream")
    charset = java("java.nio.charset.StandardCharsets").UTF_8
    names = java("io.kestra.core.runners.RunVariables").FIXTURE_FILES_KEY
    stored = {}
    for file in files.entrySet():
        content = java("java.lang.String")(file.getValue()).getBytes(charset)
        stored[str(file.getKey())] = storage.putFile(stream(content), file.getKey()).toString()
    variables = java("java.util.HashMap")(flow.getVariables() or to_java({}))
    variables.put(names, to_java(stored))
    return execution.toBuilder().variables(variables).build()


def _ended(call: Call, case: Any, flow: Any, execution_id: str, expected: str | None) -> Any:
    """Return the result of a case whose execution has ended."""
    execution = lookup.execution(call, execution_id)
    context = call.kestra.run_contexts.of(flow, execution)
    state = str(execution.getState().getCurrent())
    asserted = any("execution.state" in str(assertion.getValue()) for assertion in case.getAssertions())
    wished = expected or (state if asserted else SUCCESS)
    results: list[Any] = []
    # First, since it may be why others cannot be evaluated.
    errors = [] if state == wished else [java(ERROR)(f"The execution ended in the state {state}, not {wished}", None)]
    for assertion in case.getAssertions():
        found, wrong = _evaluated(assertion, context)
        results += found
        errors += wrong
    return _result(call, case, execution, results, errors)


def _evaluated(assertion: Any, context: Any) -> tuple[list[Any], list[Any]]:
    """Return the results and the errors of an assertion."""
    try:
        found = assertion.run(context)
    except java("java.lang.RuntimeException") as error:  # such as a text operator on what is none
        return [], [_error(f"Could not evaluate assertion on `{assertion.getValue()}`", error)]
    return list(found.results()), list(found.errors())


def _result(call: Call, case: Any, execution: Any, results: list[Any], errors: list[Any]) -> Any:
    url = execution_id = None
    if execution is not None:
        execution_id = execution.getId()
        place = f"{execution.getNamespace()}/{execution.getFlowId()}/{execution_id}"
        url = java("java.net.URI").create(f"{call.url}/ui/{call.tenant}/executions/{place}")
    return java(CASE_RESULT).of(
        case.getId(), case.getType(), execution_id, url, to_java(results), to_java(errors), case.getFixtures()
    )


def _error(what: str, error: Any) -> Any:
    reason = error.message if isinstance(error, problems.Problem) else error.toString()
    return java(ERROR)(what, f"error was: {reason}")


ROUTES = [
    route("tests/run", run_matching, "POST", consumes=JSON),
    route("tests/{namespace}/{id}/run", run, "POST", consumes="*/*"),
]
