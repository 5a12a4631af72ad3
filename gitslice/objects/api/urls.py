from django.urls import path

from gitslice.objects.api.uploads import UploadView

urlpatterns = [path("uploads/<str:org>/", UploadView.as_view(), name="uploads")]
