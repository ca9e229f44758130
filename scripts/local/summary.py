"""What a person needs to know about a running exchange, and a first order to copy."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

Json = dict[str, Any]


def show(console: Console, outputs: Json) -> None:
    """Print where everything is, who may sign in, and two commands that place an order."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("REST API", f"[bold]{outputs['rest_url']}[/bold]")
    table.add_row("WebSocket", outputs["ws_url"])
    table.add_row("without sign-in", outputs["public_websocket_url"])
    table.add_row("Binance dialect", f"{outputs['binance_url']} (docs/clients.md)")
    table.add_row("AWS (MiniStack)", f"{outputs['endpoint_url']}  stack {outputs['stack_name']}")
    for tenant in outputs["tenants"]:
        name = f"[bold]{tenant['name']}[/bold] ({tenant['id']}, {tenant['host']})"
        table.add_row("Tenant", f"{name}: {', '.join(tenant['markets'])}")
        for user in tenant["users"]:
            table.add_row("", f"{user['email']}  {user['password']}  account {user['account']}")
    pids = ", ".join(f"{name} {pid}" for name, pid in outputs["pids"].items())
    table.add_row("Processes", pids)
    table.add_row("Logs", outputs["logs"])
    console.print()
    console.print(table)
    console.print("\nSign in and place an order (copy and paste):\n", style="bold")
    console.print(escape(first_order(outputs)), soft_wrap=True, highlight=False)
    console.print("\nLet others trade: [bold]make simulate-market[/bold]; look on: make watch.\n")


def first_order(outputs: Json) -> str:
    """Return the shell commands that sign the first user in and place an order."""
    user = outputs["users"][0]
    return f"""TOKEN=$(curl -s {outputs["endpoint_url"]}/ \\
  -H 'X-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth' \\
  -H 'Content-Type: application/x-amz-json-1.1' \\
  -d '{{"AuthFlow":"USER_PASSWORD_AUTH","ClientId":"{outputs["user_pool_client_id"]}",\
"AuthParameters":{{"USERNAME":"{user["email"]}","PASSWORD":"{user["password"]}"}}}}' \\
  | sed -n 's/.*"AccessToken": *"\\([^"]*\\)".*/\\1/p')
curl -s {outputs["rest_url"]}/orders -H "Authorization: Bearer $TOKEN" \\
  -d '{{"market":"BTC-USDT","side":"buy","type":"limit","price":"60000.00","quantity":"0.01"}}'"""
