using GumbelGan.Storage;
using GumbelGan.Training;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using Xunit;

namespace GumbelGan.Tests.Training;

public sealed class HeldOutFileRunTests
{
    [Fact]
    public void A_run_with_a_test_file_tells_the_overlap_and_goes_on_only_with_the_same_file()
    {
        using var run = new TemporaryRun();
        string test = Path.Combine(run.Folder, "test.txt");
        string[] own = ["a cat never was here", "a dog never was here"];
        File.WriteAllLines(test, [.. File.ReadLines(run.Corpus).Take(3), .. own]);
        var observer = new ReportingObserver(_ => { });
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => TemporaryRun.TrainInto(run.Run,
            run.Config("objective=mle", $"data.test={Path.GetRelativePath(".", test)}", "data.test_fraction=0"), observer, cancelled.Token));
        Assert.Single(observer.Messages, message => message.Contains("of 5 test lines", StringComparison.Ordinal));
        RunFolder folder = RunFolder.Open(run.Run);
        Assert.NotNull(RunEnvironment.Read(folder.Environment).Overlap);
        Assert.Contains($"test: {test}", File.ReadAllText(folder.Configuration), StringComparison.Ordinal);

        File.AppendAllText(test, "a bird too\n");
        Assert.Contains("was begun with another test file (", Assert.Throws<UserMistakeException>(
            () => TrainingJob.Resume(run.Run, new SilentTrainingObserver(), CancellationToken.None)).Message, StringComparison.Ordinal);

        File.WriteAllLines(test, [.. File.ReadLines(run.Corpus).Take(3), .. own]);
        TrainingJob.Resume(run.Run, new SilentTrainingObserver(), CancellationToken.None);
        var options = new FinalEvaluationOptions { Count = 20, Temperatures = [1] };
        Assert.NotNull(FinalEvaluation.Evaluate(run.Run, options, TestContext.Current.CancellationToken).Document.Last!.Metrics["nll/test"]);

        // As a new corpus would, another test file makes the old numbers another matter.
        File.AppendAllText(test, "a bird too\n");
        Assert.Contains("has changed since", Assert.Throws<UserMistakeException>(
            () => FinalEvaluation.Evaluate(run.Run, new FinalEvaluationOptions(), TestContext.Current.CancellationToken)).Message,
                StringComparison.Ordinal);
    }
}
