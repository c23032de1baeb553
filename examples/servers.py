from agentkit.responses.providers import PROVIDERS

for provider in PROVIDERS.values():
    where = provider.base_url or f"${provider.url_variable}{provider.url_suffix}"
    print(f"{provider.name:<12} {where:<36} {provider.key_variable or 'no key'}")
