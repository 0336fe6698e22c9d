using GumbelGan.Randomness;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Watching;

namespace GumbelGan.Tests.Training;

/// <summary>A folder of its own with a small corpus in it, gone at the end.</summary>
internal sealed class TemporaryRun : IDisposable
{
    private static readonly string[] _things = ["cat", "dog", "bird", "horse", "child", "woman", "man", "girl", "boy", "duck"];
    private static readonly string[] _actions = ["runs", "sits", "sleeps", "waits", "sings", "eats", "stands", "plays"];
    private static readonly string[] _places = ["here", "there", "outside", "inside", "nearby", "upstairs"];

    /// <summary>Nats a token of the language that the corpus is drawn from, the end token counted.</summary>
    public static readonly double Entropy = (Math.Log(_things.Length) + Math.Log(_actions.Length) + Math.Log(2) + Math.Log(_places.Length) / 2) / 4.5;

    public TemporaryRun(int lines = 300)
    {
        Directory.CreateDirectory(Folder);
        var random = new RandomStream(new RandomKey(5));
        File.WriteAllLines(Corpus, Enumerable.Range(0, lines).Select(_ =>
            $"a {_things[random.NextInt32(_things.Length)]} {_actions[random.NextInt32(_actions.Length)]}"
                + (random.NextInt32(2) == 0 ? "" : " " + _places[random.NextInt32(_places.Length)])));
    }

    public string Folder { get; } = Path.Combine(Path.GetTempPath(), $"gumbelgan-test-{Guid.NewGuid():N}");

    public string Corpus => Path.Combine(Folder, "corpus.txt");

    public string Run => Path.Combine(Folder, "run");

    /// <summary>Small enough that a step takes about a millisecond.</summary>
    public RunConfig Config(params string[] assignments)
    {
        string[] small =
        [
            $"corpus={Corpus}", "threads=1", "data.validation_fraction=0.2", "data.test_fraction=0.2", "generator.embedding=6", "generator.hidden=8",
                "discriminator.embedding=5",
            .. assignments.Contains("discriminator.kind=lstm")
                ? new[] { "discriminator.hidden=6" } : ["discriminator.filters=4", "discriminator.filter_widths=[2, 3]"], "pretraining.epochs=2",
                "pretraining.batch_size=16", "adversarial.steps=12", "adversarial.batch_size=8",
            "adversarial.discriminator_warm_up_steps=3", "recording.every=2", "recording.evaluate_every=5", "recording.checkpoint_every=4",
                "recording.samples=4", "recording.bleu_samples=10",
        ];
        return ConfigurationReader.Read<RunConfig>([], [.. small.Concat(assignments).Select(ConfigurationAssignment.Parse)]);
    }

    public void Train(RunConfig config, ITrainingObserver? observer = null) =>
        TrainInto(Run, config, observer ?? new SilentTrainingObserver(), CancellationToken.None);

    public static void TrainInto(string folder, RunConfig config, ITrainingObserver observer, CancellationToken cancellation)
    {
        using TrainingJob job = TrainingJob.Prepare(config);
        job.Start(folder, "test", observer, cancellation);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
