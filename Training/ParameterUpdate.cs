using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training;

/// <summary>What became of an update.</summary>
/// <param name="IsFinite">False where the loss or the gradient was no finite number, and nothing was changed.</param>
/// <param name="GradientNorm">Joint Euclidean norm before clipping.</param>
public readonly record struct ParameterUpdate(bool IsFinite, double GradientNorm)
{
    /// <summary>Whether every weight of <paramref name="module"/> is a finite number.</summary>
    public static bool AreWeightsFinite(nn.Module module)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        return module.parameters().All(parameter => float.IsFinite(parameter.abs().max().item<float>()));
    }
}
