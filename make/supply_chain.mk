sbom: setup ## what a release is made of (CycloneDX), from the locks, into build/sbom
	@scripts/sbom/sbom.sh build/sbom
.PHONY: sbom
