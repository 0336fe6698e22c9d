using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tests.Storage;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Generators;

public sealed class LstmOracleTests
{
    [Fact]
    public void The_classic_oracle_has_its_published_entropy_and_finds_random_sequences_improbable()
    {
        string path = Path.Combine(SharedFolder() ?? "", "oracles", "seqgan-oracle.safetensors");
        Assert.SkipUnless(File.Exists(path), "The classic oracle is not beside the project.");
        using LstmOracle oracle = LstmOracle.Load(path);
        const int Batches = 20, Batch = 500;
        double own = 0, uniform = 0;
        for (ulong i = 0; i < Batches; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            own += oracle.TokenNegativeLogLikelihood(oracle.Sample(Batch, new RandomKey(3).Derive(i))).mean().item<float>() / Batches;
            if (i == 0)
            {
                var random = new RandomStream(new RandomKey(4));
                long[] ids = [.. Enumerable.Range(0, Batch * 20).Select(_ => (long)random.NextInt32(5000))];
                uniform = oracle.TokenNegativeLogLikelihood(tensor(ids, [Batch, 20])).mean().item<float>();
            }
        }

        // LeakGAN's and RelGAN's tables print 5.750 to 5.752 for the oracle's own sequences.
        Assert.InRange(own, 5.73, 5.77);
        Assert.True(uniform > 11, $"uniform sequences score {uniform}");
    }

    [Fact]
    public void Probabilities_of_all_sequences_sum_to_one()
    {
        using DisposeScope scope = NewDisposeScope();
        using LstmOracle oracle = LstmOracle.Draw(vocabulary: 4, hidden: 5, length: 4, new RandomKey(8));
        long[] all = [.. Enumerable.Range(0, 256).SelectMany(i => new long[] { i & 3, (i >> 2) & 3, (i >> 4) & 3, i >> 6 })];
        Tensor likelihoods = (-oracle.TokenNegativeLogLikelihood(tensor(all, [256, 4])).sum(1)).exp();
        Assert.Equal(1, likelihoods.sum().item<float>(), 1e-5);
    }

    [Fact]
    public void The_same_seed_draws_the_same_oracle_and_the_weights_are_standard_normal()
    {
        using DisposeScope scope = NewDisposeScope();
        using LstmOracle first = LstmOracle.Draw(300, 16, 5, new RandomKey(1)), second = LstmOracle.Draw(300, 16, 5, new RandomKey(1)),
            other = LstmOracle.Draw(300, 16, 5, new RandomKey(2));
        Tensor ids = first.Sample(30, new RandomKey(7));
        float[] scores = first.TokenNegativeLogLikelihood(ids).data<float>().ToArray();
        Assert.Equal(scores, second.TokenNegativeLogLikelihood(ids).data<float>().ToArray());
        Assert.NotEqual(scores, other.TokenNegativeLogLikelihood(ids).data<float>().ToArray());
        // Its own samples must be likelier than another oracle's.
        Assert.True(scores.Average() < first.TokenNegativeLogLikelihood(other.Sample(30, new RandomKey(7))).mean().item<float>());
    }

    [Fact]
    public void A_file_that_is_no_oracle_is_refused_in_one_sentence()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "oracle.safetensors");
        SafetensorsFile.Write(path, [SafetensorsEntry.Create<float>("embedding.weight", [2, 3], new float[6])]);
        Assert.Contains("is no oracle", Assert.Throws<UserMistakeException>(() => LstmOracle.Load(path)).Message, StringComparison.Ordinal);
    }

    private static string? SharedFolder()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (Directory.Exists(Path.Combine(folder.FullName, "shared", "oracles")))
            {
                return Path.Combine(folder.FullName, "shared");
            }
        }

        return null;
    }
}
