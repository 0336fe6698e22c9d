using GumbelGan.Discriminators;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Discriminators;

/// <summary>The gradients of a discriminator's scores with respect to its weights, against finite differences.</summary>
internal static class FiniteDifferences
{
    private const float Move = 5e-3f;

    /// <summary>Checks every <paramref name="stride"/>-th number of each weight; at most one in twenty may lie at a kink.</summary>
    /// <param name="discriminator">Its weights have no gradients yet.</param>
    /// <param name="ids">[B, T] of int64.</param>
    /// <param name="signs">[B], what each sequence's score counts.</param>
    /// <param name="stride">At least 1.</param>
    /// <param name="kink">By how much the slopes of both sides may differ where there is no kink, given their mean.</param>
    /// <param name="tolerance">By how much the gradient may differ from their mean, given the mean.</param>
    public static void AssertGradients(
        Discriminator discriminator, Tensor ids, Tensor signs, int stride, Func<double, double> kink, Func<double, double> tolerance)
    {
        (discriminator.Score(ids) * signs).sum().backward();
        int kinks = 0, compared = 0;
        foreach ((string name, Parameter parameter) in discriminator.named_parameters())
        {
            float[] gradient = parameter.grad!.data<float>().ToArray();
            using IDisposable off = no_grad();
            for (int i = 0; i < gradient.Length; i += stride)
            {
                double here = At(parameter, i, 0), above = (At(parameter, i, Move) - here) / Move, below = (here - At(parameter, i, -Move)) / Move;
                compared++;
                double numeric = (above + below) / 2;
                if (Math.Abs(above - below) > kink(numeric))
                {
                    // A rectifier opens, or another window becomes the largest, within the step.
                    kinks++;
                    continue;
                }

                Assert.True(Math.Abs(numeric - gradient[i]) < tolerance(numeric), $"{name}[{i}]: {gradient[i]} against {numeric}");
            }
        }

        Assert.True(kinks * 20 < compared, $"{kinks} of {compared} weights lie at a kink.");

        double At(Parameter parameter, int index, float by)
        {
            Tensor flat = parameter.view(-1);
            float kept = flat[index].item<float>();
            flat[index] = kept + by;
            double value = (discriminator.Score(ids) * signs).sum().item<float>();
            flat[index] = kept;
            return value;
        }
    }
}
