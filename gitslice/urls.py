from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

from changesets.views.dashboard import dashboard
from gitslice.api_docs import ApiDocsView
from gitslice.ops import health, metrics

api: list[URLPattern | URLResolver] = [
    path("", include("accounts.api.urls")),
    path("", include("slices.api.urls")),
    path("", include("changesets.api.urls")),
    path("", include("conflicts.api.urls")),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", ApiDocsView.as_view(url_name="schema"), name="api-docs"),
]

urlpatterns = [
    path("", dashboard, name="home"),
    path("", include("accounts.sign_in.urls")),
    path("", include("accounts.sso.urls")),
    path("api/v1/", include(api)),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("", include("conflicts.views.urls")),
    path("", include("changesets.views.urls")),
    path("", include("slices.views.urls")),
]
