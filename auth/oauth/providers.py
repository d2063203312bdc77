"""Which of our ways to talk fits a provider of the settings."""

from auth.oauth.fetching import Fetcher
from auth.oauth.github import GithubProvider
from auth.oauth.identity import Provider
from auth.oauth.oidc import OidcProvider
from core.settings import OAuthProvider, ProviderKind


def make_provider(settings: OAuthProvider, fetcher: Fetcher) -> Provider:
    """The provider of these settings. Asks nobody anything yet."""
    if settings.kind is ProviderKind.GITHUB:
        return GithubProvider(settings, fetcher)
    return OidcProvider(settings, fetcher)
