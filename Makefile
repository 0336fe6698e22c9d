SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build train test approve golden check format tensorboard bench soak compare results corpora fuzz clean

help: ## this list
	@echo 'make TARGET, where TARGET is one of'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  %-14s %s\n' "$$name" "$$text"; done
	@echo 'See README.md for what it is all about.'

setup: ## bring what reports draw their charts with, where npm is at hand
	@[ -d node_modules/uplot ] || sh scripts/charts.sh

build: setup ## build the program: bin/gumbelgan (CUDA=true for a GPU)
	@scripts/build.sh $(if $(CUDA),-p:Cuda=$(CUDA))

train: build ## generate the captions corpus, train on it, show samples (some minutes)
	@scripts/train.sh

test: setup ## run the tests (ARGUMENTS='-class *Philox*' for some of them)
	@scripts/test.sh $(ARGUMENTS)

approve: setup ## take the present --help texts as approved (read the difference before committing it)
	@GUMBELGAN_APPROVE='$(CURDIR)/Tests/Cli/approved' scripts/test.sh -class '*HelpTests' || true
	@git --no-pager diff --stat -- Tests/Cli/approved

golden: ## renew the golden runs, after a change that is meant to alter numbers (say so in the commit)
	@GUMBELGAN_RENEW_GOLDEN='$(CURDIR)/Tests/Golden/runs' scripts/test.sh -class '*GoldenRun*'
	@git --no-pager diff --stat -- Tests/Golden/runs

check: setup ## format, warnings and tests: what a change must pass
	dotnet format GumbelGan.sln --verify-no-changes
	dotnet build GumbelGan.sln -c Release -v quiet --nologo -warnaserror
	@scripts/test.sh

format: setup ## put the source in the project's format
	dotnet format GumbelGan.sln

tensorboard: ## open TensorBoard on runs/
	@scripts/tensorboard.sh

bench: build ## measure the program beside eager PyTorch (ARGUMENTS='--rounds 1 --scaling --startup')
	@scripts/bench.sh $(ARGUMENTS)

soak: build ## 50 runs of 3,000 small steps that record and save all the time (RUNS=50); some minutes
	@scripts/soak.sh

compare: build corpora/arithmetic.txt ## compare five methods on arithmetic from nothing, three seeds each: scripts/compare.yaml (about five minutes)
	@bin/gumbelgan sweep scripts/compare.yaml
	@bin/gumbelgan compare runs/compare --report runs/compare/report.html

corpora/arithmetic.txt: | build
	@bin/gumbelgan corpus build corpora/arithmetic.grammar --count 10000 --seed 1 --output $@

results: build ## every table of docs/results.md; hours, goes on where it was stopped (QUICK=1: arithmetic alone, 20 minutes; ORACLE=file, COCO=folder)
	@scripts/results.sh

corpora: build ## bring or generate the public corpora
	@scripts/corpora.sh

fuzz: setup ## mutate every file format much longer than the tests do (ROUNDS=100000)
	@GUMBELGAN_FUZZ_ROUNDS='$(or $(ROUNDS),100000)' scripts/test.sh -class '*Fuzz*'

clean: ## remove everything built; corpora and runs stay
	rm -rf artifacts bin
