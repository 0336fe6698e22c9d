using GumbelGan.Generators;
using GumbelGan.Randomness;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Training.Collectives;

/// <summary>What the slices of a key draw, put one after the other, is what the key draws.</summary>
public sealed class SliceTests
{
    private static readonly RandomKey _key = new(7);

    [Theory]
    [InlineData(4, 30)]
    [InlineData(3, 64)]
    [InlineData(2, 1500)]
    public void Numbers_of_slices_are_those_of_the_whole(int slices, int length)
    {
        Compare((key, destination) => RandomFill.Uniform(key, -1, 1, destination));
        Compare((key, destination) => RandomFill.Dropout(key, 0.3, destination));
        Compare((key, destination) => RandomFill.Normal(key, destination));

        void Compare(Action<RandomKey, float[]> fill)
        {
            float[] whole = new float[slices * length];
            fill(_key, whole);
            Assert.Equal(whole, Enumerable.Range(0, slices).SelectMany(slice =>
            {
                float[] own = new float[length];
                fill(_key with { Slice = slice }, own);
                return own;
            }));
        }
    }

    [Fact]
    public void Children_of_a_slice_are_slices_and_what_stands_apart_is_a_stream_of_its_own()
    {
        RandomKey slice = (_key with { Slice = 2 }).Derive("noise").Derive(5);
        Assert.Equal((_key.Derive("noise").Derive(5).Value, 2), (slice.Value, slice.Slice));
        Assert.Equal(_key, _key.Apart);
        Assert.Equal(4, Enumerable.Range(0, 4).Select(number => (_key with { Slice = number }).Apart).Distinct().Count());
        Assert.All(Enumerable.Range(0, 4), number => Assert.Equal(0, (_key with { Slice = number }).Apart.Slice));
    }

    [Fact]
    public void Noise_and_samples_of_slices_are_rows_of_the_whole()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        Assert.True(Stacked(key => GumbelSoftmax.Noise(key, 4, 37)).equal(GumbelSoftmax.Noise(_key, 12, 37)).all().item<bool>());
        var format = new SequenceFormat(20, 9, 0, 1, 2);
        using IGenerator generator = new LstmGeneratorOptions { Embedding = 5, Hidden = 6 }.Create(format, new RandomKey(3));
        foreach (bool isComposed in (bool[])[false, true])
        {
            generator.IsComposed = isComposed;
            Assert.True(Stacked(key => generator.Sample(4, 1, key)).equal(generator.Sample(12, 1, _key)).all().item<bool>());
            Assert.True(Stacked(key => RolledOut(4, key)).equal(RolledOut(12, _key)).all().item<bool>());
        }

        Tensor RolledOut(int batch, RandomKey key)
        {
            using IRollout rollout = generator.RollOut(batch, 4, 1, Relaxation.Default);
            return rollout.Generate(ones(20, 4), 0.7, key).Ids;
        }
    }

    private static Tensor Stacked(Func<RandomKey, Tensor> draw) =>
        cat([.. Enumerable.Range(0, 3).Select(slice => draw(_key with { Slice = slice }))], 0);
}
