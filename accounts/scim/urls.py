"""Addresses below `/scim/v2/`. Directories write them with and without a slash at the end."""

from django.urls import re_path

from accounts.scim import discovery, views

ORG = r"^(?P<org>[^/]+)"
ID = r"(?P<resource_id>[^/]+)"
NAME = r"(?P<name>[^/]+)"

urlpatterns = [
    re_path(rf"{ORG}/Users/?$", views.UserListView.as_view(), name="scim-users"),
    re_path(rf"{ORG}/Users/{ID}/?$", views.UserView.as_view(), name="scim-user"),
    re_path(rf"{ORG}/Groups/?$", views.GroupListView.as_view(), name="scim-groups"),
    re_path(rf"{ORG}/Groups/{ID}/?$", views.GroupView.as_view(), name="scim-group"),
    re_path(
        rf"{ORG}/ServiceProviderConfig/?$", discovery.ServiceProviderConfigView.as_view(), name="scim-config"
    ),
    re_path(rf"{ORG}/ResourceTypes/?$", discovery.ResourceTypesView.as_view(), name="scim-resource-types"),
    re_path(
        rf"{ORG}/ResourceTypes/{NAME}/?$", discovery.ResourceTypeView.as_view(), name="scim-resource-type"
    ),
    re_path(rf"{ORG}/Schemas/?$", discovery.SchemasView.as_view(), name="scim-schemas"),
    re_path(rf"{ORG}/Schemas/{NAME}/?$", discovery.SchemaView.as_view(), name="scim-schema"),
]
