"""The addresses of slices. `gs browse` makes some of them: they never change."""

from django.urls import path

from slices.views import blame, commits, facts, global_state, lists, roles, search, trees

app_name = "slices"

SLICE = "<str:org>/slices/<str:name>/"

urlpatterns = [
    path("global/", global_state.of_all, name="global-all"),
    path("<str:org>/global/", global_state.state, name="global"),
    path("<str:org>/global-merge/", global_state.merge, name="global-merge"),
    path("<str:org>/global/<str:commit>/", global_state.commit, name="global-commit"),
    path("<str:org>/global/<str:commit>/tag/", global_state.tag, name="global-tag"),
    path("search/", search.search, name="search"),
    path("slices/", lists.all_slices, name="all"),
    path("<str:org>/slices/", lists.all_slices, name="organization"),
    path("<str:org>/new-slice/", lists.new_slice, name="new"),
    path(SLICE, trees.tree, name="slice"),
    path(f"{SLICE}tree/<path:path>", trees.tree, name="tree"),
    path(f"{SLICE}raw/<path:path>", trees.raw, name="raw"),
    path(f"{SLICE}archive/", trees.download, name="archive"),
    path(f"{SLICE}blame/<path:path>", blame.blamed, name="blame"),
    path(f"{SLICE}find/", trees.find, name="find"),
    path(f"{SLICE}covers/<path:path>", trees.covers, name="covers"),
    path(f"{SLICE}history/", commits.history, name="history"),
    path(f"{SLICE}history/<path:path>", commits.history, name="path-history"),
    path(f"{SLICE}commits/<str:commit>/", commits.commit, name="commit"),
    path(f"{SLICE}compare/", commits.compare, name="compare"),
    path(f"{SLICE}compare/<str:span>/", commits.compare, name="compare-two"),
    path(f"{SLICE}definition/", facts.definition, name="definition"),
    path(f"{SLICE}overlaps/", facts.slice_overlaps, name="overlaps"),
    path(f"{SLICE}settings/", facts.settings, name="settings"),
    path(f"{SLICE}roles/give/", roles.give, name="role-give"),
    path(f"{SLICE}roles/take/", roles.take, name="role-take"),
]
