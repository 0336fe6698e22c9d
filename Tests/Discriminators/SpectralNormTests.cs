using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Laboratory;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tests.Storage;
using GumbelGan.Tests.Training;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Discriminators;

/// <summary>Spectral normalisation of every kind of discriminator, against singular value decompositions and finite differences.</summary>
public sealed class SpectralNormTests
{
    private const int Vocabulary = 9, Padding = 0;

    public static TheoryData<string> Kinds => [.. DiscriminatorKind.All.Select(kind => kind.Name)];

    private static Tensor Ids => tensor([3L, 4, 5, 2, 1, 6, 3, 5, 4, 2, 0, 0, 7, 8, 8, 3, 1, 2], [3, 6]);

    private static Discriminator Create(string kind, bool isNormalised = true) =>
        (DiscriminatorTests.Options(kind, 4, 5, [2, 3], 0) with { SpectralNorm = isNormalised }).Create(Vocabulary, Padding, new RandomKey(3));

    [Theory]
    [MemberData(nameof(Kinds))]
    public void After_some_iterations_the_largest_singular_value_of_every_matrix_as_it_is_used_is_one(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator discriminator = Create(kind);
        for (int i = 0; i < 1000; i++)
        {
            discriminator.IteratePower();
        }

        string[] matrices = [.. discriminator.named_parameters().Where(named => named.parameter.dim() > 1).Select(named => named.name)];
        Assert.True(matrices.Length >= 4);
        Assert.Equal(matrices, discriminator.NormalisedMatrices.Select(matrix => matrix.Name));
        foreach ((string name, Tensor matrix) in discriminator.NormalisedMatrices)
        {
            // And sigma, which the parameter was divided by, is its own largest singular value.
            Tensor weight = discriminator.get_parameter(name)!.view(matrix.shape[0], -1);
            Assert.Equal(1, Largest(matrix), 1e-4);
            Assert.Equal(Largest(weight), (weight.norm() / matrix.norm()).item<float>(), 1e-4 * Largest(weight));
        }
    }

    /// <summary>W / sigma(W) knows no scale, so neither may scores: a matrix that a kind forgets to normalise fails here.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void Scores_do_not_depend_on_the_scale_of_any_matrix_fused_composed_or_of_relaxed_samples(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        using Discriminator discriminator = Create(kind), plain = Create(kind, isNormalised: false);
        Tensor oneHots = nn.functional.one_hot(Ids, Vocabulary).to(ScalarType.Float32), mask = Ids.ne(Padding).to(ScalarType.Float32);
        float[] before = Scores(discriminator);
        Assert.NotEqual(before, Scores(plain));
        foreach ((string name, Parameter parameter) in discriminator.named_parameters().Where(named => named.parameter.dim() > 1))
        {
            parameter.mul_(3);
            float[] after = Scores(discriminator);
            Assert.All(before.Zip(after), pair => Assert.True(Math.Abs(pair.First - pair.Second) < 1e-5, $"{name}: {pair}"));
        }

        float[] Scores(Discriminator judge)
        {
            var scores = new List<float>();
            foreach (bool isComposed in (bool[])[false, true])
            {
                judge.IsTwiceDifferentiable = isComposed;
                scores.AddRange(judge.Score(Ids).data<float>());
                scores.AddRange(judge.Score(oneHots, mask).data<float>());
                scores.AddRange(judge.Score(oneHots, mask * 0.75).data<float>());
            }

            judge.IsTwiceDifferentiable = false;
            return [.. scores];
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Gradients_are_those_of_finite_differences_with_the_singular_vectors_held_fused_and_composed(string kind)
    {
        foreach (bool isComposed in new[] { false, true })
        {
            using DisposeScope scope = NewDisposeScope();
            using Discriminator discriminator = Create(kind);
            discriminator.IsTwiceDifferentiable = isComposed;
            FiniteDifferences.AssertGradients(discriminator, Ids, tensor([2f, -1, 0.5f]), 2,
                kink: numeric => 2e-3 + 0.05 * Math.Abs(numeric), tolerance: numeric => 1e-3 + 0.02 * Math.Abs(numeric));
        }
    }

    /// <summary>(g - lambda u v') / sigma, Miyato et al. 2018, section 2.3, with the vectors of a decomposition.</summary>
    [Fact]
    public void The_gradient_is_the_papers_formula()
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator discriminator = Create("lstm");
        for (int i = 0; i < 1000; i++)
        {
            discriminator.IteratePower();
        }

        const string Name = "cell.weight_hh";
        Parameter weight = discriminator.get_parameter(Name)!;
        discriminator.Score(Ids).sum().backward();
        Tensor found = weight.grad!.clone();
        using Discriminator free = Create("lstm", isNormalised: false);
        using (no_grad())
        {
            foreach ((string name, Parameter parameter) in free.named_parameters())
            {
                parameter.copy_(discriminator.NormalisedMatrices.FirstOrDefault(matrix => matrix.Name == name).Value?.view(parameter.shape)
                    ?? discriminator.get_parameter(name)!);
            }
        }

        free.Score(Ids).sum().backward();
        (Tensor left, Tensor values, Tensor right) = linalg.svd(weight.detach().to(ScalarType.Float64), fullMatrices: false);
        Tensor g = free.get_parameter(Name)!.grad!.to(ScalarType.Float64), sigma = values[0];
        Tensor lambda = (g * weight.detach() / sigma).sum();
        Tensor expected = (g - lambda * left.narrow(1, 0, 1).mm(right.narrow(0, 0, 1))) / sigma;
        Assert.True(expected.abs().max().item<double>() > 1e-3);
        Assert.True((expected - found).abs().max().item<double>() < 1e-5 * (1 + expected.abs().max().item<double>()));
    }

    [Theory]
    [InlineData("cnn", "adversarial.loss=wasserstein")]
    [InlineData("cnn", "adversarial.loss=hinge")]
    [InlineData("lstm", "adversarial.loss=wasserstein")]
    public void One_iteration_an_update_keeps_every_matrix_near_one_while_it_learns(string kind, string loss)
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config("objective=gumbel", $"discriminator.kind={kind}", "discriminator.spectral_norm=true", loss,
            "adversarial.discriminator_learning_rate=0.001", "adversarial.steps=200", "pretraining.epochs=1", "recording.evaluate_every=0");
        using TrainingJob job = TrainingJob.Prepare(config);
        float[] first = Weights(job.Discriminator);
        double least = 1, most = 1;
        var observer = new ReportingObserver(_ =>
        {
            using DisposeScope scope = NewDisposeScope();
            using IDisposable off = no_grad();
            double[] largest = [.. job.Discriminator.NormalisedMatrices.Select(matrix => Largest(matrix.Value))];
            (least, most) = (Math.Min(least, largest.Min()), Math.Max(most, largest.Max()));
        });
        job.Start(run.Run, "test", observer, CancellationToken.None);
        Assert.True(first.Zip(Weights(job.Discriminator), (before, after) => Math.Abs(before - after)).Max() > 0.05);
        // sigma is never above the largest singular value, but for rounding.
        Assert.InRange(least, 1 - 1e-5, 1.001);
        Assert.InRange(most, 1 - 1e-5, 1.1);
    }

    [Fact]
    public void The_vectors_move_once_in_each_update_of_the_discriminator_and_at_no_other_time()
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config("objective=gumbel", "discriminator.spectral_norm=true", "adversarial.discriminator_steps=2",
            "adversarial.discriminator_learning_rate=0", "pretraining.epochs=0", "adversarial.steps=5", "adversarial.generator_steps=3");
        using TrainingJob job = TrainingJob.Prepare(config);
        using Discriminator twin = config.Discriminator.Create((int)job.Discriminator.EmbeddingTable.shape[0], job.Discriminator.PaddingId,
            new RandomKey((ulong)config.Seed).Derive("initialisation").Derive("discriminator"));
        job.Start(run.Run, "test", new ReportingObserver(_ => { }), CancellationToken.None);
        // The weights stay, so that the vectors are those of as many iterations: three of the warm-up, and two a step.
        for (int i = 0; i < 3 + 2 * 5; i++)
        {
            Assert.NotEqual(Vectors(job.Discriminator), Vectors(twin));
            twin.IteratePower();
        }

        Assert.Equal(Vectors(job.Discriminator), Vectors(twin));
    }

    [Fact]
    public void Checkpoints_hold_the_vectors_and_those_of_an_unnormalised_discriminator_are_as_they_were()
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator discriminator = Create("cnn"), other = Create("cnn"), plain = Create("cnn", isNormalised: false);
        string[] parameters = [.. plain.named_parameters().Select(named => named.name)];
        Assert.Equal(parameters, ModuleWeights.Entries(plain).Select(entry => entry.Name));
        Assert.Equal([.. parameters, .. parameters.Where(name => name.EndsWith(".weight", StringComparison.Ordinal)).Select(name => $"{name}_u")],
            ModuleWeights.Entries(discriminator).Select(entry => entry.Name));

        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "discriminator.safetensors"), old = Path.Combine(folder.Path, "old.safetensors");
        SafetensorsFile.Write(path, ModuleWeights.Entries(discriminator));
        SafetensorsFile.Write(old, ModuleWeights.Entries(plain));
        float[][] vectors = Vectors(discriminator);
        other.Initialise(new RandomKey(77));
        Assert.NotEqual(vectors, Vectors(other));
        ModuleWeights.Load(other, SafetensorsFile.Read(path));
        Assert.Equal(vectors, Vectors(other));
        Assert.Equal(discriminator.Score(Ids).data<float>().ToArray(), other.Score(Ids).data<float>().ToArray());
        UserMistakeException mistake = Assert.Throws<UserMistakeException>(() => ModuleWeights.Load(discriminator, SafetensorsFile.Read(old)));
        Assert.Contains("it belongs to another configuration.", mistake.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_copy_in_double_precision_has_the_same_vectors_and_scores(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator discriminator = Create(kind);
        discriminator.IteratePower();
        using Discriminator twin = DoublePrecision.Copy(discriminator, new SequenceFormat(Vocabulary, 6, 1, 2, Padding));
        Assert.All(twin.SingularVectors, vector => Assert.Equal(ScalarType.Float64, vector.Value.dtype));
        Tensor ids = Ids, mask = ids.ne(Padding).to(ScalarType.Float64);
        double[] expected = [.. discriminator.Score(ids).data<float>().ToArray().Select(score => (double)score)];
        double[] found = twin.ScoreEmbedded(twin.Embed(ids), mask).data<double>().ToArray();
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    [Fact]
    public void A_run_that_rolls_back_goes_on_with_the_vectors_of_its_checkpoint()
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config("objective=gumbel", "discriminator.spectral_norm=true", "pretraining.epochs=0", "adversarial.steps=8",
            "adversarial.discriminator_warm_up_steps=0", "health.on_divergence=roll_back", "adversarial.discriminator_learning_rate=0",
            "recording.evaluate_every=0");
        using TrainingJob job = TrainingJob.Prepare(config);
        job.Start(run.Run, "test", new ReportingObserver(reports =>
        {
            if (reports == 3)
            {
                // After step 6; back to the checkpoint of step 4.
                using IDisposable off = no_grad();
                job.Generator.Module.parameters().First().fill_(float.NaN);
            }
        }), CancellationToken.None);
        TrainingState end = RunFolder.Open(run.Run).Latest().State();
        Assert.Equal((Phase.Finished, 1), (end.Phase, end.RollBacks));
        string other = Path.Combine(run.Folder, "straight");
        TemporaryRun.TrainInto(other, config, new ReportingObserver(_ => { }), CancellationToken.None);
        byte[] Discriminator(string folder) => File.ReadAllBytes(Path.Combine(RunFolder.Open(folder).Latest().Path, "discriminator.safetensors"));
        // The discriminator does not learn here, so that its vectors tell how often it was iterated: eight times, and not more for the steps undone.
        Assert.Equal(Discriminator(other), Discriminator(run.Run));
    }

    private static double Largest(Tensor matrix) => linalg.svdvals(matrix.detach().to(ScalarType.Float64))[0].item<double>();

    private static float[] Weights(Discriminator discriminator) =>
        [.. discriminator.parameters().SelectMany(parameter => parameter.data<float>().ToArray())];

    private static float[][] Vectors(Discriminator discriminator) =>
        [.. discriminator.SingularVectors.Select(vector => vector.Value.data<float>().ToArray())];
}
