//! The RAG service's documents: short pages of an agent platform's handbook. Data only.

/// Title and text of each document.
pub(super) const CORPUS: &[(&str, &str)] = &[
    (
        "Getting started",
        "Create an account, log in and create your first agent. An agent needs a name and a model; everything else has a default.",
    ),
    (
        "What an agent is",
        "An agent is a model with instructions, tools and a memory. It takes an input, thinks, calls tools and answers.",
    ),
    (
        "Creating an agent",
        "POST a name and a model to the agents service. The response holds the agent's id, which every later call needs.",
    ),
    (
        "Listing agents",
        "GET the agents collection with limit and offset. A page holds at most one hundred agents, oldest first.",
    ),
    (
        "Deleting an agent",
        "A deleted agent keeps its finished runs for thirty days. Running executions are cancelled first.",
    ),
    (
        "Executing an agent",
        "Execute sends an input to an agent and waits for the output. Long executions should not wait: ask for the run instead and poll it.",
    ),
    (
        "Runs",
        "Every execution is a run with an id and a status. A run is queued, running, done or failed, and its result can be fetched once it is done.",
    ),
    (
        "Polling a run",
        "Ask for the status of a run every half second, not more often. Stop when it is done or failed, and give up after two minutes.",
    ),
    (
        "Cancelling a run",
        "A running run can be cancelled by its owner. The tokens used up to then are still billed.",
    ),
    (
        "Timeouts of an execution",
        "An execution times out after sixty seconds unless the agent sets its own limit. A timeout is reported as a failed run with the partial output.",
    ),
    (
        "Choosing a model",
        "Small models answer in under a second and are right for triage. Large models reason better, cost ten times as much and take several seconds.",
    ),
    (
        "Temperature",
        "Temperature controls how varied the output is. Use zero for extraction and classification, and up to one for writing.",
    ),
    (
        "Max tokens",
        "The max_tokens setting bounds the length of the output. Latency grows with every generated token, so a low limit is the cheapest speed-up.",
    ),
    (
        "System prompts",
        "The system prompt states the role, the rules and the format of the answer. Keep it short; a long prompt slows every single call.",
    ),
    (
        "Prompt templates",
        "A template holds placeholders which are filled in from the input. Version your templates and test each version before release.",
    ),
    (
        "Tools",
        "A tool is a function the model may call: a search, a calculator, an HTTP request. Declare its parameters as a JSON Schema.",
    ),
    (
        "Writing a tool",
        "Validate the arguments of a tool, return short results and never raise an exception for an expected failure. The model reads the error text.",
    ),
    (
        "Tool permissions",
        "An agent calls only the tools it was granted. Dangerous tools ask a human for approval before they run.",
    ),
    (
        "Memory",
        "Short-term memory is the conversation; long-term memory is a store of facts with embeddings. Facts are recalled by similarity.",
    ),
    (
        "Conversations",
        "A conversation keeps the messages of one session. Old messages are summarised when the context window is nearly full.",
    ),
    (
        "Context window",
        "The context window is the most text a model can read at once. What does not fit is summarised or left out, oldest first.",
    ),
    (
        "Streaming answers",
        "Streaming sends the output word by word as server-sent events. The first token arrives early even when the whole answer takes seconds.",
    ),
    (
        "Workflows",
        "A workflow connects agents: the output of one step is the input of the next. Steps may branch, repeat and run in parallel.",
    ),
    (
        "Parallel steps",
        "Parallel steps of a workflow start together and the workflow waits for the slowest. Limit their number to protect the model provider.",
    ),
    (
        "Schedules",
        "A schedule executes an agent at fixed times, written as a cron expression in UTC. A missed execution is not repeated.",
    ),
    (
        "Webhooks",
        "A webhook is called when a run is finished. Verify its signature, answer within five seconds and do the work later.",
    ),
    (
        "Webhook retries",
        "A failed webhook is delivered again with exponential backoff for a day. Make your handler idempotent, since a delivery may come twice.",
    ),
    (
        "Human approval",
        "An approval step pauses the workflow until a person accepts or rejects it. Approvals expire after seven days.",
    ),
    (
        "Registering a user",
        "Register with an e-mail address and a password of at least eight characters. Registering the same address again is a conflict.",
    ),
    (
        "Logging in",
        "Log in with e-mail and password to get an access token and a refresh token. Send the access token as a bearer token.",
    ),
    (
        "Access tokens",
        "An access token expires after ten minutes. A request with an expired token is answered with 401 and should be repeated after a refresh.",
    ),
    (
        "Refreshing a token",
        "Exchange the refresh token for a new access token before the old one expires. A refresh token lives for one day.",
    ),
    (
        "API keys",
        "API keys are for machines. Give each service its own key, restrict it to the scopes it needs and rotate it every ninety days.",
    ),
    (
        "Roles and permissions",
        "Owners manage billing and members, editors manage agents, viewers read. Permissions are granted per workspace.",
    ),
    (
        "Single sign-on",
        "Single sign-on works with any OpenID Connect provider. Members are created at their first login with the viewer role.",
    ),
    (
        "Two-factor authentication",
        "Two-factor authentication asks for a code from an authenticator app at login. Keep the recovery codes in a safe place.",
    ),
    (
        "Secrets",
        "Store credentials of tools as secrets. A secret is encrypted at rest, never shown again and masked in every log.",
    ),
    (
        "Audit log",
        "The audit log records who changed what and when. Entries are kept for one year and can be exported as JSON lines.",
    ),
    (
        "What RAG is",
        "Retrieval-augmented generation searches your documents first and gives the best passages to the model, so that answers rest on your own sources.",
    ),
    (
        "Uploading documents",
        "Post a title and a text to add a document to a collection. It can be found by queries within a second.",
    ),
    (
        "Supported file types",
        "Plain text, Markdown, HTML and PDF files can be uploaded. Scanned PDF pages are read with optical character recognition.",
    ),
    (
        "Chunking",
        "Long documents are split into chunks of about five hundred words with some overlap. Smaller chunks are more precise, larger ones keep more context.",
    ),
    (
        "Embeddings",
        "An embedding is a vector that stands for the meaning of a chunk. Changing the embedding model means indexing every document again.",
    ),
    (
        "Collections",
        "A collection groups documents that are searched together. Keep collections small: search time grows with the number of vectors.",
    ),
    (
        "Querying documents",
        "A query returns the best matching passages with a score and the document's title. Ask in a full sentence for the best relevance.",
    ),
    (
        "Choosing top_k",
        "The top_k parameter is the number of passages a query returns. Five is a good start; more passages cost latency and prompt tokens.",
    ),
    (
        "Hybrid search",
        "Hybrid search combines keyword ranking with vector similarity. It finds exact names and error codes which pure vector search misses.",
    ),
    (
        "Reranking",
        "A reranker reads the query together with each passage and sorts them again. It improves relevance and adds about a hundred milliseconds.",
    ),
    (
        "Citations",
        "Answers can cite the documents they rest on. Each citation holds the document id, the title and the quoted sentence.",
    ),
    (
        "Stale documents",
        "Documents may carry an expiry date. Expired documents are left out of results and listed in a weekly report.",
    ),
    (
        "Rate limits",
        "Each workspace may send a limited number of requests per minute. Beyond the limit the response is 429 with a Retry-After header.",
    ),
    (
        "Quotas and billing",
        "Usage is billed by tokens and by stored documents. Set a monthly budget: executions are refused once it is used up.",
    ),
    (
        "Error codes",
        "Errors carry a detail text. 400 and 422 are mistakes in the request, 401 and 403 concern access, 409 is a conflict, 5xx is our fault.",
    ),
    (
        "Retrying requests",
        "Retry 429 and 503 responses with exponential backoff and jitter. Do not retry 4xx errors and do not retry forever.",
    ),
    (
        "Idempotency keys",
        "Send an idempotency key with a request that creates something. A repeated request with the same key returns the first result.",
    ),
    ("Pagination", "Lists are paged by limit and offset. Stop when a page is shorter than the limit."),
    (
        "Health checks",
        "Every service answers its health endpoint without authentication. Use it for readiness probes and load balancers, not for monitoring latency.",
    ),
    (
        "Monitoring",
        "Metrics of every service are exported for Prometheus. Watch the error rate, the 95th percentile of latency and the queue length.",
    ),
    (
        "Tracing a slow execution",
        "Open the trace of a run to see where the time went: waiting for the model provider, calling tools or searching documents.",
    ),
    (
        "Performance targets",
        "Agent executions should finish within two seconds, document queries within 500 milliseconds and other endpoints within 200 milliseconds, for 95 percent of requests.",
    ),
    (
        "Scaling out",
        "The services are stateless and scale horizontally behind a load balancer. The database and the vector store scale vertically first.",
    ),
    (
        "Caching answers",
        "Identical inputs to a deterministic agent can be served from a cache. Cached answers expire when the agent or its documents change.",
    ),
    (
        "Backups",
        "The database is backed up every night and kept for thirty days. Restore a backup into a new workspace and compare before switching.",
    ),
    (
        "Self-hosting",
        "Run the platform with Docker Compose on one machine or with Helm on Kubernetes. The agents, auth and rag services each need one port.",
    ),
];
