using System.Text.Json;
using GumbelGan.Cli.Printing;
using GumbelGan.Cli.Progress;
using GumbelGan.Training.Sweeps;

namespace GumbelGan.Cli.Commands;

/// <summary>What <c>gumbelgan sweep</c> does with a request.</summary>
internal static class SweepAction
{
    /// <summary>Does the runs, or one of them, or tells of them.</summary>
    /// <returns>An <see cref="ExitCode"/>.</returns>
    public static int Run(SweepRequest request, Surroundings surroundings)
    {
        var plan = SweepPlan.Read(request.File, request.Output, request.Assignments);
        if (request.Count)
        {
            surroundings.Output.WriteLine(plan.Runs.Count);
            return ExitCode.Done;
        }

        if (request is { Best: { } drawn, Against: { } key })
        {
            var curves = SweepCurves.Of(plan, drawn, request.Direction, key);
            return Curves(request.Beside.Aggregate(curves, (all, file) => all.Beside(CurvesDocument.Read(file))), request, surroundings);
        }

        if (request.Best is { } metric)
        {
            var ranking = SweepRanking.Of(plan, metric, request.Direction);
            surroundings.Print(
                request.IsJson, () => JsonSerializer.Serialize(SweepTables.Document(ranking), JsonFormat.Options),
                writer => SweepTables.Write(ranking, writer));

            return ExitCode.Done;
        }

        if (request.Index >= 0)
        {
            return One(plan, plan.At(request.Index), request, surroundings);
        }

        plan.Check(surroundings.Cancellation);
        foreach (string remark in plan.Remarks())
        {
            surroundings.Error.WriteLine(remark);
        }

        if (request.Slurm)
        {
            return OnSlurm(plan, request, surroundings);
        }

        if (request.DryRun)
        {
            SweepTables.Write(plan, new TableWriter(surroundings));
            return ExitCode.Done;
        }

        return All(plan, request, surroundings, new TableWriter(surroundings));
    }

    private static int Curves(SweepCurves curves, SweepRequest request, Surroundings surroundings)
    {
        surroundings.Print(
            request.IsJson, () => JsonSerializer.Serialize(CurvesDocument.Of(curves), JsonFormat.Options),
            writer => writer.Write(SweepPage.Rows(curves)));

        if (request.Page is { } page)
        {
            string sources = string.Join(", ", new[] { request.File }.Concat(request.Beside).Select(Path.GetFileName));
            PageFile.Write(page, "page", charts => SweepPage.Render(curves, sources, charts), surroundings);
        }

        return ExitCode.Done;
    }

    private static int All(SweepPlan plan, SweepRequest request, Surroundings surroundings, TableWriter writer)
    {
        int cores = Environment.ProcessorCount;
        int asked = request.Jobs > 0 ? request.Jobs : plan.Options.Jobs;
        int jobs = Math.Min(plan.Runs.Count, asked > 0 ? asked : cores);
        int threads = request.Threads > 0 ? request.Threads : Math.Max(1, cores / jobs);
        IReadOnlyList<SweepItem> items;
        try
        {
            items = SweepProgress.Watch(surroundings, observer => new SweepQueue(plan, ThisProgram.Command, surroundings.Clock)
                .Run(jobs, threads, observer, surroundings.Cancellation));
        }
        catch (OperationCanceledException) when (surroundings.Cancellation.IsCancellationRequested)
        {
            surroundings.Error.WriteLine("Interrupted; every run that was going on has a checkpoint. Go on with: "
                + $"gumbelgan sweep {plan.File} {string.Join(' ', plan.Words)}");
            throw;
        }

        return SweepTables.WriteEnd(plan, items, surroundings.Error, writer) ? ExitCode.Done : ExitCode.Failed;
    }

    private static int OnSlurm(SweepPlan plan, SweepRequest request, Surroundings surroundings)
    {
        if (plan.Runs.All(run => run.HasEnded))
        {
            surroundings.Error.WriteLine($"All {plan.Runs.Count} runs in {plan.Folder} are done; nothing is submitted.");
            return ExitCode.Done;
        }

        int jobs = request.Jobs > 0 ? request.Jobs : plan.Options.Jobs;
        var script =
            SlurmScript.Of(plan, request.Template is { } file ? SlurmScript.ReadTemplate(file) : null, ThisProgram.Command, request.Threads, jobs);
        script.Write();
        if (request.DryRun)
        {
            surroundings.Output.Write(script.Text);
            surroundings.Error.WriteLine($"The script is {script.Path}; nothing is submitted.");
            return ExitCode.Done;
        }

        surroundings.Output.WriteLine(script.Submit());
        surroundings.Error.WriteLine($"The script is {script.Path}. The same command submits again what is not done when the jobs have ended.");
        return ExitCode.Done;
    }

    private static int One(SweepPlan plan, SweepRun run, SweepRequest request, Surroundings surroundings)
    {
        if (request.DryRun)
        {
            surroundings.Output.Write(Training.Configuration.ConfigurationWriter.Write(run.Config));
            return ExitCode.Done;
        }

        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(surroundings.Cancellation);
        if (SweepQueue.IsChild)
        {
            ThisProgram.WhenInputEnds(cancellation);
        }

        try
        {
            string? failure = TrainingProgress.Watch(surroundings, isQuiet: SweepQueue.IsChild,
                observer => SweepWorker.Do(plan, run, request.Threads, Environment.CommandLine, observer, cancellation.Token));
            surroundings.Error.WriteLine(failure is null ? $"Run {run.Index}, {run.Name}, is done: {run.Folder}." : failure);
            return failure is null ? ExitCode.Done : ExitCode.Failed;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            surroundings.Error.WriteLine($"Run {run.Index}, {run.Name}, was interrupted; the same command goes on with it.");
            return ExitCode.Interrupted;
        }
    }
}
