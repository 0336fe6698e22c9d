using GumbelGan.Generators;
using GumbelGan.Randomness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Primer;

/// <summary>A die that learns its weights. A throw loses (number - 4)^2: it should learn to show 4.</summary>
public static class LoadedDie
{
    private const int Faces = 6, Throws = 64, Steps = 400, Wanted = 4;

    /// <summary>Trains the weights by gradients through relaxed throws.</summary>
    /// <returns>The probability of each face.</returns>
    public static float[] Train(Relaxation relaxation, double temperature, RandomKey key)
    {
        using DisposeScope everything = NewDisposeScope();
        Tensor numbers = tensor([1f, 2, 3, 4, 5, 6]);
        var logits = new Parameter(zeros(Faces)); // a fair die
        using optim.Optimizer optimizer = optim.Adam([logits], lr: 0.05);
        for (ulong step = 0; step < Steps; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor noise = GumbelSoftmax.Noise(key.Derive(step), Throws, Faces); // [Throws, Faces]
            Tensor thrown = GumbelSoftmax.Sample(logits, noise, temperature, relaxation); // [Throws, Faces]
            Tensor shown = thrown.mv(numbers); // [Throws]
            Tensor loss = (shown - Wanted).square().mean();
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
        }

        return logits.softmax(0).data<float>().ToArray();
    }

    /// <summary>The expected loss of a throw, a sum over the faces.</summary>
    public static double ExpectedLoss(float[] probabilities) =>
        probabilities.Select((p, face) => p * Math.Pow(face + 1 - Wanted, 2)).Sum();
}
