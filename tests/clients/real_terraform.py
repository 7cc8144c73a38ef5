"""The real Terraform with the AWS provider, on a region."""

import os
import pathlib
import shutil
import subprocess

import pytest

# A mirror of providers: the one that is named, or where terraform itself looks.
MIRRORS = [os.environ.get("TF_PLUGINS", "~/.terraform.d/plugins"), "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins"]
PROVIDER = "registry.terraform.io/hashicorp/aws"
PLUGINS = next((place for place in (pathlib.Path(one).expanduser() for one in MIRRORS) if (place / PROVIDER).is_dir()), None)

HEAD = """
terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws" }}
  }}
}}
provider "aws" {{
  region = "us-east-1"
  endpoints {{
    elasticache = "{url}"
    sts         = "{url}"
  }}
}}
"""


class Terraform:
    """A configuration in a directory, applied to a region."""

    def __init__(self, region, directory):
        if not shutil.which("terraform") or not PLUGINS:
            pytest.skip(f"could not run: it needs the program terraform, and {PROVIDER} below a directory that TF_PLUGINS names")
        self.directory = directory
        environment = region.environment()
        self.url = environment["AWS_ENDPOINT_URL"]
        self.environment = {**environment, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "HOME": str(directory)}

    def run(self, *arguments):
        done = subprocess.run(
            ["terraform", *arguments], cwd=self.directory, env=self.environment, capture_output=True, text=True, timeout=400
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def apply(self, resources):
        """Applies what is written, and sees that nothing is left to change."""
        (self.directory / "main.tf").write_text(HEAD.format(url=self.url) + resources)
        if not (self.directory / ".terraform").exists():
            self.run("init", "-input=false", f"-plugin-dir={PLUGINS}")
        self.run("apply", "-input=false", "-auto-approve")
        self.run("plan", "-input=false", "-detailed-exitcode")

    def destroy(self):
        self.run("destroy", "-input=false", "-auto-approve")
