using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Training;
using GumbelGan.Training.Watching;
using Xunit;

namespace GumbelGan.Tests.Training;

public sealed class GameDiagnosisTests
{
    [Theory]
    [InlineData(new float[] { 1, 2, 3 }, new float[] { 1, 2, 3 }, 0.5)]
    [InlineData(new float[] { 5, 4 }, new float[] { 1, 2, 3 }, 1)]
    [InlineData(new float[] { 0 }, new float[] { 1, 2, 3 }, 0)]
    [InlineData(new float[] { 2 }, new float[] { 1, 2, 3 }, 0.5)]
    [InlineData(new float[] { 7, 7 }, new float[] { 7 }, 0.5)]
    [InlineData(new float[] { 1, 3 }, new float[] { 2, 1 }, 0.625)]
    public void The_area_under_the_curve_is_the_share_of_pairs_in_the_right_order_ties_half(float[] above, float[] below, double area) =>
        Assert.Equal(area, GameDiagnosis.AreaUnderCurve(above, below), 1e-12);

    [Fact]
    public void A_discriminator_of_token_sharpness_tells_soft_samples_from_everything_and_hard_samples_from_nothing()
    {
        using var run = new TemporaryRun();
        using TrainingJob job = TrainingJob.Prepare(run.Config());
        using var judge = new SharpnessJudge(job.Generator.Format);
        GameDiagnosis soft = GameDiagnosis.Measure(job.Generator, judge, job.Corpus.Validation, SoftRelaxation.Entry, 1, new RandomKey(1));
        Assert.Equal((1.0, 1.0, 0.5), (soft.Soft!.Value, soft.Argmax!.Value, soft.Hard));
        GameDiagnosis hard = GameDiagnosis.Measure(job.Generator, judge, job.Corpus.Validation, StraightThroughRelaxation.Entry, 1, new RandomKey(1));
        Assert.Equal((0.5, 0.5, 0.5), (hard.Soft!.Value, hard.Argmax!.Value, hard.Hard));
    }

    [Theory]
    [InlineData("mle", new string[0])]
    [InlineData("reinforce", new[] { "auc/hard" })]
    [InlineData("gumbel", new[] { "auc/soft", "auc/argmax", "auc/hard" })]
    public void Every_evaluation_of_a_game_records_what_its_discriminator_tells_apart(string objective, string[] tags)
    {
        using var run = new TemporaryRun();
        run.Train(run.Config($"objective={objective}"));
        MetricsRecord[] evaluations =
            [.. MetricsJournal.Read(Path.Combine(run.Run, "metrics.jsonl")).Where(record => record.Scalars.ContainsKey("nll/validation"))];
        Assert.Contains(evaluations, record => record.Phase == "adversarial" || objective == "mle");
        Assert.All(evaluations, record => Assert.Equal(record.Phase == "adversarial" ? tags : [],
            record.Scalars.Keys.Where(tag => tag.StartsWith("auc/", StringComparison.Ordinal))));
        Assert.All(evaluations.SelectMany(record => record.Scalars).Where(scalar => scalar.Key.StartsWith("auc/", StringComparison.Ordinal)),
            scalar => Assert.InRange(scalar.Value, 0, 1));
    }

    [Fact]
    public void A_discriminator_that_knows_only_softness_is_warned_of_once_and_again_after_it_knew_better()
    {
        var options = new HealthOptions();
        HealthState state = new();
        var warned = new List<bool>();
        foreach ((double soft, double hard) in new[] { (0.85, 0.5), (0.97, 0.44), (0.99, 0.45), (0.97, 0.7), (0.97, 0.5) })
        {
            (state, string? warning) = state.WithDiagnosis(options, new GameDiagnosis(soft, 0.9, hard));
            warned.Add(warning is not null);
            Assert.Equal(warning is not null, warning?.Contains("softness, not language", StringComparison.Ordinal) ?? false);
        }

        Assert.Equal([false, true, false, false, true], warned);
        Assert.Null(new HealthState().WithDiagnosis(options, new GameDiagnosis(null, null, 0.5)).Warning);
        Assert.Null(new HealthState().WithDiagnosis(options with { SoftnessAuc = 0 }, new GameDiagnosis(0.99, 0.9, 0.5)).Warning);
    }

    /// <summary>
    /// Scores the squared length of token vectors, one-hots seen through an identity as embedding: 1 for hard tokens, less for soft ones.
    /// </summary>
    private sealed class SharpnessJudge : Discriminator
    {
        public SharpnessJudge(SequenceFormat format)
            : base(nameof(SharpnessJudge), new LstmDiscriminatorOptions { Embedding = format.Vocabulary }, format.Vocabulary, format.PaddingId)
        {
            RegisterComponents();
            using IDisposable off = TorchSharp.torch.no_grad();
            EmbeddingTable.copy_(TorchSharp.torch.eye(format.Vocabulary));
        }

        public override TorchSharp.torch.Tensor ScoresEmbedded(TorchSharp.torch.Tensor embedded, TorchSharp.torch.Tensor mask) =>
            ((embedded.square().sum(2) * mask).sum(1) / mask.sum(1)).ge(0.9999).to(TorchSharp.torch.ScalarType.Float32).unsqueeze(1);

        protected override int FanIn(string parameterName) => 1;
    }
}
