from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

from accounts.views.audit import audit
from accounts.views.device import decide, device
from accounts.views.support import end as end_support
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

handler400 = "gitslice.common.pages.bad_request"
handler404 = "gitslice.common.pages.not_found"
handler500 = "gitslice.common.pages.failed"

urlpatterns = [
    path("", dashboard, name="home"),
    path("device/", device, name="device"),
    path("device/decide/", decide, name="device-decide"),
    path("", include("accounts.sign_in.urls")),
    path("", include("accounts.sso.urls")),
    path("api/v1/", include(api)),
    path("scim/v2/", include("accounts.scim.urls")),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("", include("accounts.views.urls")),
    path("support/end/", end_support, name="support-end"),
    path("<str:org>/audit/", audit, name="audit"),
    path("", include("conflicts.views.urls")),
    path("", include("changesets.views.urls")),
    path("", include("slices.views.urls")),
]
