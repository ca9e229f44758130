// Decides on each of a list of requests as IAM would. From standard input
//   {"identity": {ROLE: [document]}, "policies": {ARN: document}, "account": ID,
//    "requests": [{"role", "principal", "action", "resource", "policy": ARN or null, "context"}]}
// and to standard output a word for each request, in order: Allowed, ImplicitlyDenied,
// ExplicitlyDenied. A request that can't be decided, or has context that the simulator would
// ignore, ends it with a sentence.
const { readFileSync } = require("node:fs");
const { runSimulation } = require("@cloud-copilot/iam-simulate");

async function decide({ identity, policies, account }, request) {
  const response = await runSimulation(
    {
      request: {
        principal: request.principal,
        action: request.action,
        resource: { resource: request.resource, accountId: account },
        contextVariables: request.context,
      },
      identityPolicies: identity[request.role].map((policy, at) => ({ name: `${at}`, policy })),
      resourcePolicy: request.policy ? policies[request.policy] : undefined,
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  const ignored = response.result?.ignoredContextKeys ?? [];
  if (response.resultType !== "single" || ignored.length) {
    throw new Error(`${JSON.stringify(request)}: ${JSON.stringify(response.errors ?? ignored)}`);
  }
  return response.overallResult;
}

async function main() {
  const input = JSON.parse(readFileSync(0, "utf8"));
  const decisions = [];
  for (const request of input.requests) decisions.push(await decide(input, request));
  process.stdout.write(JSON.stringify(decisions));
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
