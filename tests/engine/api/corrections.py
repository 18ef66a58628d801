"""Where Kestra's description of its API is wrong, each with its reason: what a real server has answered proves it."""

from __future__ import annotations

from typing import Any

ANYTHING: dict[str, Any] = {}
OBJECT = {"type": "object"}
BYTES = {"type": "string", "format": "binary"}

NO_TEXT = "Java's bytes are no text; it is a ZIP archive"
NOT_422 = "the controller answers 400; the description has the same for 422, and an object where the list is"
NO_CONTENT = "the controller answers 204"
JAVA_OBJECT = "Java's Object is any value; the description makes an object of it"
NO_PROPERTIES = "a Java map without a type of values; the description allows no entry"
LIST_OF_LABELS = "labels come as a list, as in executions; the description has only the map that may be sent"

FIRST_EXECUTION = {
    "type": "object",
    "required": ["id", "labels", "originalId", "deleted", "metadata"],
    "properties": {"id": {"type": "string"}},
    "maxProperties": 5,
}
FIRST_LOG = {**OBJECT, "additionalProperties": False, "properties": {"attemptNumber": {"nullable": True}}}
BULK_ERROR = (
    "application/json",
    {
        "type": "object",
        "required": ["message", "invalids"],
        "additionalProperties": False,
        "properties": {"message": {"type": "string"}, "invalids": {"type": "array", "items": OBJECT}},
    },
)
LABELS = {"type": "array", "items": {"$ref": "#/components/schemas/Label"}}

# A place below `components/schemas`, with what should stand there.
SCHEMAS: dict[str, tuple[Any, str]] = {
    "Label/properties/key/pattern": (r"^[^\W\d_A-Z][\w.-]*$", r"Python's expressions do not know Java's \p{L}"),
    "State/required": (["current"], "the others are the names of Java's getters"),
    "AbstractFlow/properties/labels": (LABELS, LIST_OF_LABELS),
    "Flow/allOf/1/properties/labels": (LABELS, LIST_OF_LABELS),
    "FlowForExecution/allOf/1/properties/labels": (LABELS, LIST_OF_LABELS),
    "FlowWithSource/allOf/2/properties/labels": (LABELS, LIST_OF_LABELS),
    "AbstractFlow/properties/variables": (OBJECT, NO_PROPERTIES),
    "Flow/allOf/1/properties/variables": (OBJECT, NO_PROPERTIES),
    "FlowForExecution/allOf/1/properties/variables": (OBJECT, NO_PROPERTIES),
    "FlowWithSource/allOf/2/properties/variables": (OBJECT, NO_PROPERTIES),
    "PluginDefault/properties/values": (OBJECT, NO_PROPERTIES),
    "Input_Object_/properties/defaults": (ANYTHING, JAVA_OBJECT),
    "Backfill/properties/inputs": (OBJECT, JAVA_OBJECT),
    "KVController.KvDetail/properties/value": (ANYTHING, JAVA_OBJECT),
    "PluginSchema/properties/properties": (OBJECT, JAVA_OBJECT),
    "PluginSchema/properties/outputs": (OBJECT, JAVA_OBJECT),
    "ExecutionController.ApiValidateExecutionInputsResponse.ApiInputAndValue/properties/value": (ANYTHING, JAVA_OBJECT),
    "TriggerContext/required": (["flowId", "namespace", "triggerId"], "a trigger that was restarted has no date"),
    "PagedResults_Namespace_/properties/results/items": (
        {"$ref": "#/components/schemas/NamespaceLight"},
        "a namespace has more than its id in the Enterprise edition only",
    ),
    "ApiSecretListResponse_ApiSecretMeta_/properties/results/items": (
        {"$ref": "#/components/schemas/ApiSecretMeta"},
        "secrets have more than their keys in the Enterprise edition only",
    ),
    "FlowInterface/allOf/3/properties/variables": (OBJECT, JAVA_OBJECT),
    "MetricAggregation/required": (["date", "value"], "Kestra sums up a metric without repeating its name"),
    "Event_Execution_/properties/data": (
        {"anyOf": [{"$ref": "#/components/schemas/Execution"}, FIRST_EXECUTION]},
        "the first event of a stream tells the id only",
    ),
    "Event_LogEntry_/properties/data": (
        {"anyOf": [{"$ref": "#/components/schemas/LogEntry"}, FIRST_LOG]},
        "the first event of a stream tells nothing",
    ),
    "DailyExecutionStatistics.Duration/required": (["count"], "a day without executions has no duration"),
}

# The id of an operation and a status, with the content type and schema of the answer.
ANSWERS: dict[tuple[str, int], tuple[tuple[str, Any] | None, str]] = {
    ("validateNewExecutionInputs", 200): (
        ("application/json", {"$ref": "#/components/schemas/ExecutionController.ApiValidateExecutionInputsResponse"}),
        "one answer, which the description has a list of",
    ),
    ("validateResumeExecutionInputs", 200): (
        ("application/json", {"$ref": "#/components/schemas/ExecutionController.ApiValidateExecutionInputsResponse"}),
        "one answer, which the description has a list of",
    ),
    ("triggerExecution", 200): (
        ("application/json", {"$ref": "#/components/schemas/ExecutionController.ExecutionResponse"}),
        "as createExecution: one execution, which the description has a list of",
    ),
    ("exportFlowsByIds", 200): (("application/octet-stream", BYTES), NO_TEXT),
    ("exportFlowsByQuery", 200): (("application/octet-stream", BYTES), NO_TEXT),
    ("getFileMetadatasFromExecution", 301): (None, "what another execution has stored is there"),
    ("exportNamespaceFiles", 200): (("application/octet-stream", BYTES), NO_TEXT),
    ("getNamespace", 200): (
        ("application/json", {"$ref": "#/components/schemas/NamespaceLight"}),
        "a namespace has more than its id in the Enterprise edition only",
    ),
    ("downloadFileFromExecution", 301): (None, "what another execution has stored is there"),
    ("deleteRevisions", 204): (None, NO_CONTENT),
    ("deleteTrigger", 204): (None, NO_CONTENT),
    ("deleteExecutionsByIds", 400): (BULK_ERROR, NOT_422),
    ("forceRunByIds", 400): (BULK_ERROR, NOT_422),
    ("killExecutionsByIds", 400): (BULK_ERROR, NOT_422),
    ("pauseExecutionsByIds", 400): (BULK_ERROR, NOT_422),
    ("replayExecutionsByIds", 400): (BULK_ERROR, NOT_422),
    ("restartExecutionsByIds", 400): (BULK_ERROR, NOT_422),
    ("resumeExecutionsByIds", 400): (BULK_ERROR, NOT_422),
    ("setLabelsOnTerminatedExecutionsByIds", 400): (BULK_ERROR, NOT_422),
    ("unqueueExecutionsByIds", 400): (BULK_ERROR, NOT_422),
    ("updateExecutionsStatusByIds", 400): (BULK_ERROR, NOT_422),
    ("getPropertiesFromType", 200): (("application/json", OBJECT), JAVA_OBJECT),
    ("getSchemasFromType", 200): (("application/json", OBJECT), JAVA_OBJECT),
}

# Statuses of wrong requests, with the operations that they are not described for, or without the body that they have.
UNDESCRIBED: dict[int, tuple[str, str]] = {
    400: (
        "the tenant is another one, and there is no backfill",
        "searchFlows pauseBackfill",
    ),
    401: (
        "nothing is told without credentials, not even an error body",
        """
        deleteLogsFromFlow exportNamespaceFiles followExecution getAllInputTypes getExpressionFilters
        getExpressionFunctions getFlowDependencies getFlowDependenciesFromNamespace getInheritedSecrets getNamespace
        getPluginBySubgroups getPluginGroupIcons getPluginIcons getPluginVersions getUsages listDeprecated
        listDistinctNamespaces listExecutableDistinctNamespaces listFlowExecutionsByNamespace listFlowMetrics
        listFlowRevisions listFlowsByNamespace listKeys listKeysWithInheritence listPlugins listTaskMetrics
        listTasksWithMetrics searchConcurrencyLimits searchFlows
        """,
    ),
    404: (
        "what a path or a body names is not there",
        """
        createExecution deleteBackfill deleteExecution deleteFlow deleteFlowsByIds deleteRevisions deleteTrigger
        downloadFileFromExecution evalExpression evalTaskRunExpression followDependenciesExecutions forceRunExecution
        generateFlowGraph getExecution getExecutionFlowGraph getFileContent getFileMetadatas getFileRevisions getFlow
        getFlowFromExecution getFlowFromExecutionById getKeyValue getPluginDocumentation
        getPluginDocumentationFromVersion getTaskFromFlow killExecution listNamespaceDirectoryFiles pauseBackfill
        pauseExecution replayExecution replayExecutionWithinputs restartExecution restartTrigger resumeExecution
        resumeExecutionFromBreakpoint setLabelsOnTerminatedExecution triggerExecution triggerExecutionByGetWebhook
        triggerExecutionByGetWebhookWithPath triggerExecutionByPostWebhook triggerExecutionByPostWebhookWithPath
        triggerExecutionByPutWebhook triggerExecutionByPutWebhookWithPath unlockTrigger unpauseBackfill
        unqueueExecution updateConcurrencyLimit updateExecutionStatus updateFlow updateTask updateTaskRunState
        updateTrigger validateNewExecutionInputs validateResumeExecutionInputs
        """,
    ),
    409: (
        "what is there is in a state that does not allow it",
        """
        createExecution resumeExecution resumeExecutionFromBreakpoint unlockTrigger validateResumeExecutionInputs
        """,
    ),
    415: (
        "the body has another content type",
        "autocompleteNamespaces createExecution evalExpression importFlows setKeyValue validateTrigger",
    ),
    422: (
        "a parameter or a body is wrong or missing, or what is there is in another state",
        """
        aggregateMetricsFromFlow aggregateMetricsFromTask bulkUpdateFlows createExecution createFlow
        createNamespaceDirectory createNamespaceFile deleteBackfillByIds deleteBackfillByQuery deleteExecutionsByQuery
        deleteFileDirectory deleteFlowsByQuery deleteKeyValue deleteKeyValues deleteLogsFromExecution
        deleteTriggersByIds deleteTriggersByQuery disableFlowsByIds disableFlowsByQuery disabledTriggersByIds
        disabledTriggersByQuery downloadFileFromExecution downloadLogsFromExecution enableFlowsByIds
        enableFlowsByQuery exportExecutions exportFlows exportFlowsByIds exportFlowsByQuery exportTriggers
        followLogsFromExecution forceRunExecution forceRunExecutionsByQuery generateFlowGraphFromSource
        getFileMetadatasFromExecution getLatestExecutions getPropertiesFromType getSchemaFromInputType
        getSchemasFromType killExecutionsByQuery listAllKeys listLogsFromExecution listNamespaceSecrets listSecrets
        moveFileDirectory pauseBackfillByIds pauseBackfillByQuery pauseExecution pauseExecutionsByQuery
        previewFileFromExecution replayExecutionsByQuery restartExecution restartExecutionsByQuery resumeExecution
        resumeExecutionsByQuery searchByExecution searchExecutions searchExecutionsByFlowId searchFlows
        searchFlowsBySourceCode searchLogs searchNamespaceFiles searchNamespaces searchTriggers searchTriggersForFlow
        setLabelsOnTerminatedExecution setLabelsOnTerminatedExecutionsByQuery unlockTriggersByIds
        unlockTriggersByQuery unpauseBackfillByIds unpauseBackfillByQuery unqueueExecution unqueueExecutionsByQuery
        updateExecutionStatus updateFlow updateFlowsInNamespace updateTask updateTaskRunState validateFlows
        validateTask
        """,
    ),
}

# What is on a Kestra server though the description has it not, by the number of a recorded exchange.
ELSEWHERE = {
    "150": "the health is told by the management, not by the API",
    "157": "the recorder asked for a route that there is not",
    "158": "the recorder asked with a method that the route has not",
}
